import { chown, mkdir, open, rename, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError, crc32c, formatBytes, formatDuration, joinCleanup, makeFolders } from "@tidemark/kit";
import { encodeTablespaceMap, parseTablespaceMap } from "@tidemark/postgres";
import { type ActControl, cancellation, ProgressMeter, reachStep } from "../act.ts";
import { originalsFolder } from "../restored-configuration/compose-configuration.ts";
import { writeConfiguration } from "../restored-configuration/write-configuration.ts";
import { blocksOf, runBytes, sayBlocks } from "../verify/verify-backup.ts";
import { type FrameVisit, type PlacedRun, visitFrames } from "../verify/visit-frames.ts";
import { planRestore, type RestoreDeps, type RestorePlan } from "./plan-restore.ts";
import { controlPath, RestorePlaces, stagedControlPath, tablespaceMapPath } from "./restore-places.ts";
import {
  clearUnfinished,
  inspectTargets,
  removeMark,
  syncDirectory,
  type TargetState,
  wrapTargetError,
  writeMark,
} from "./restore-target.ts";
import { makeTree, type RestoredTree } from "./restore-tree.ts";
import { TargetFiles } from "./target-files.ts";
import { writeBackupManifest } from "./write-backup-manifest.ts";

export interface RestoreReport {
  readonly backupId: string;
  readonly targetDirectory: string;
  readonly fileCount: number;
  readonly writtenBytes: bigint;
  readonly durationMs: number;
  /** What a person does next, as sentences. */
  readonly nextSteps: readonly string[];
}

/**
 * Restores what was planned. The folder is marked before anything is written and unmarked at the end, `pg_control`
 * gets its name last, and all is synced before that: whatever dies in between, no server starts on half a restore,
 * and running it again clears the rest and begins anew.
 *
 * Throws `plan-stale` when the backup or the plan's facts have changed, the code of the first failed check
 * (`target-not-empty`, `target-full` …), `backup-damaged` naming file and blocks, `cancelled`.
 */
export async function executeRestore(
  deps: RestoreDeps,
  plan: RestorePlan,
  control: ActControl,
): Promise<RestoreReport> {
  const startedMs = deps.clock.monotonicMs();
  control.emit({ kind: "phase", phase: "preparing", message: plan.sentence });
  await refuseStale(deps, plan, control);
  const restore = new Restore(deps, plan, control);
  try {
    await restore.run();
  } catch (error) {
    throw await joinCleanup(
      control.signal.aborted ? cancellation(control.signal) : wrapTargetError(error, plan.targetDirectory),
      () => restore.close(),
    );
  }
  const durationMs = deps.clock.monotonicMs() - startedMs;
  control.emit({
    kind: "log",
    level: "info",
    message: `restored ${formatBytes(plan.bytesToWrite)} in ${formatDuration(durationMs)}`,
  });
  return {
    backupId: plan.backupId,
    targetDirectory: plan.targetDirectory,
    fileCount: plan.fileCount,
    writtenBytes: restore.writtenBytes,
    durationMs,
    nextSteps: describeNextSteps(plan),
  };
}

async function refuseStale(deps: RestoreDeps, plan: RestorePlan, control: ActControl): Promise<void> {
  const now = await planRestore(deps, { ...plan.request, backupId: plan.backupId }, control.signal).catch(
    (error: unknown) => {
      if (error instanceof AppError && (error.code === "not-found" || error.code === "manifest-missing"))
        throw stale(error.message, error);
      throw error;
    },
  );
  for (const check of now.checks) {
    if (check.state !== "failed" || check.code === null) continue;
    throw new AppError(check.code, {
      message: check.sentence,
      hint: "nothing was written",
      context: { target: plan.targetDirectory },
    });
  }
  if (now.fingerprint !== plan.fingerprint) throw stale("the backup or its places are not what was planned");
}

function stale(why: string, cause?: unknown): AppError {
  return new AppError("plan-stale", {
    message: `the restore plan is out of date: ${why}`,
    hint: "nothing was written; plan it again",
    cause,
  });
}

class Restore {
  readonly #deps: RestoreDeps;
  readonly #plan: RestorePlan;
  readonly #control: ActControl;
  readonly #places: RestorePlaces;
  readonly #files = new TargetFiles();
  readonly #progress: ProgressMeter;
  readonly #folders: readonly string[];
  /** The map with the new places; null when the backup has none. */
  readonly #tablespaceMap: Uint8Array | null;
  #middleReached = false;
  writtenBytes = 0n;

  constructor(deps: RestoreDeps, plan: RestorePlan, control: ActControl) {
    this.#deps = deps;
    this.#plan = plan;
    this.#control = control;
    this.#places = new RestorePlaces(plan.targetDirectory, plan.tablespaces, plan.request.keepSignalFiles);
    this.#progress = new ProgressMeter(control, deps.clock, plan.bytesToFetch);
    this.#folders = [plan.targetDirectory, ...plan.tablespaces.map(({ to }) => to)];
    this.#tablespaceMap = rewriteTablespaceMap(plan);
  }

  async run(): Promise<void> {
    const { area } = this.#deps;
    const { signal } = this.#control;
    await this.#prepareFolders();
    const manifest = await area.openManifest(this.#plan.backupId);
    await reachStep(this.#control, "restore:before-tree");
    const tree = await makeTree({ manifest, plan: this.#plan, places: this.#places, signal });
    await reachStep(this.#control, "restore:before-data");
    this.#control.emit({
      kind: "phase",
      phase: "copying",
      message: `fetching ${formatBytes(this.#plan.bytesToFetch)} from ${this.#plan.packCount} packs`,
    });
    await visitFrames({ manifest, frames: area.frames(), signal, packsInFlight: packsInFlight }, (visit) =>
      this.#writeFrame(visit),
    );
    this.#progress.finish();
    await this.#files.close();
    await reachStep(this.#control, "restore:before-links");
    await this.#makeLinks();
    const composed = await writeConfiguration(this.#plan, this.#places);
    await reachStep(this.#control, "restore:before-backup-manifest");
    await writeBackupManifest({
      manifest,
      plan: this.#plan,
      places: this.#places,
      tablespaceMap: this.#tablespaceMap,
      composed,
      signal,
    });
    await reachStep(this.#control, "restore:before-sync");
    this.#control.emit({ kind: "phase", phase: "syncing", message: "making everything durable" });
    await tree.sync(signal);
    await this.#finish(tree);
  }

  close(): Promise<void> {
    return this.#files.close();
  }

  /** The marks come first, in every folder, so that whatever follows is known to be unfinished. */
  async #prepareFolders(): Promise<void> {
    await reachStep(this.#control, "restore:before-mark");
    const states = await inspectTargets(this.#folders);
    for (const [index, state] of states.entries()) await this.#prepareFolder(this.#folders[index] ?? "", state);
  }

  async #prepareFolder(folder: string, state: TargetState): Promise<void> {
    if (state.kind === "occupied" || state.kind === "not-a-directory") {
      throw new AppError("target-not-empty", { message: `${folder} is not empty`, hint: "nothing in it was touched" });
    }
    await makeFolders(dirname(folder));
    if (state.kind === "absent") await mkdir(folder, { mode: 0o700 });
    // At once: a second attempt asks the folder whom the result shall belong to.
    if (this.#plan.owner !== null) await chown(folder, this.#plan.owner.uid, this.#plan.owner.gid);
    const isMarked = state.kind === "unfinished" && state.isMarked;
    if (!isMarked) await writeMark(folder, this.#plan.backupId, this.#folders, this.#deps.clock.now());
    if (state.kind !== "unfinished") return;
    await reachStep(this.#control, "restore:before-clear");
    this.#control.emit({ kind: "log", level: "info", message: `clearing the unfinished restore in ${folder}` });
    await clearUnfinished(folder);
  }

  async #writeFrame(visit: FrameVisit): Promise<void> {
    const total = this.#plan.bytesToFetch;
    if (!this.#middleReached && this.#progress.doneBytes * 2n >= total) {
      this.#middleReached = true;
      await reachStep(this.#control, "restore:before-middle-frame");
    }
    for (const run of visit.runs) {
      const place = this.#placeOf(run.path);
      this.#progress.add(run.lengthBytes);
      if (place === null) continue;
      await this.#files.write(place, this.#checkedBytes(visit, run), Number(run.fileOffset));
      this.writtenBytes += BigInt(run.lengthBytes);
    }
  }

  #checkedBytes(visit: FrameVisit, run: PlacedRun): Uint8Array {
    const { opened, packId } = visit;
    if (opened.kind === "damaged") throw damaged(visit, run, this.#plan, opened.reason);
    const bytes = runBytes(opened.plain, run);
    const crc = bytes.length === opened.plain.length ? opened.crc32c : crc32c(bytes);
    if (crc === run.crc32c && bytes.length === run.lengthBytes) return bytes;
    throw damaged(visit, run, this.#plan, `the bytes in pack ${packId} are not those the manifest names`);
  }

  /** Null for what is not restored, and for the tablespace map where it is written anew. */
  #placeOf(path: Uint8Array): Buffer | null {
    const text = Buffer.from(path).toString("latin1");
    if (text === controlPath) return this.#places.below(stagedControlPath);
    if (text === tablespaceMapPath && this.#tablespaceMap !== null) return null;
    return this.#places.of(path);
  }

  async #makeLinks(): Promise<void> {
    if (this.#plan.tablespaces.length > 0)
      await mkdir(join(this.#plan.targetDirectory, "pg_tblspc"), { recursive: true, mode: 0o700 });
    for (const { oid, to } of this.#plan.tablespaces)
      await symlink(to, join(this.#plan.targetDirectory, "pg_tblspc", String(oid)));
    if (this.#tablespaceMap === null) return;
    const handle = await open(this.#places.below(tablespaceMapPath), "r+");
    try {
      await handle.truncate(0);
      await handle.writeFile(this.#tablespaceMap);
    } finally {
      await handle.close();
    }
  }

  /** All is durable by now. The data directory's mark is the last to go: it stands for the tablespaces, too. */
  async #finish(tree: RestoredTree): Promise<void> {
    await reachStep(this.#control, "restore:before-control");
    await rename(this.#places.below(stagedControlPath), this.#places.below(controlPath));
    await syncDirectory(this.#places.below("global"));
    await reachStep(this.#control, "restore:before-unmark");
    for (const folder of [...this.#folders].reverse()) {
      await removeMark(folder);
      if (folder !== this.#plan.targetDirectory) await reachStep(this.#control, "restore:between-unmarks");
    }
    await tree.syncParents();
  }
}

function rewriteTablespaceMap(plan: RestorePlan): Uint8Array | null {
  const entries = parseTablespaceMap(Buffer.from(plan.facts.tablespaceMap));
  if (entries.length === 0) return null;
  return encodeTablespaceMap(
    entries.map(({ oid, path }) => {
      const place = plan.tablespaces.find((one) => one.oid === oid);
      return { oid, path: place === undefined ? path : Buffer.from(place.to) };
    }),
  );
}

function damaged(visit: FrameVisit, run: PlacedRun, plan: RestorePlan, why: string): AppError {
  const path = Buffer.from(run.path).toString("utf8");
  return new AppError("backup-damaged", {
    message: `${path}, ${sayBlocks(blocksOf(run, plan.facts.blockSize))} cannot be restored: ${why}`,
    hint: `the folder stays marked as unfinished; verify backup ${plan.backupId} for the whole extent, and restore another one`,
    context: { packId: visit.packId, file: path, backupId: plan.backupId },
  });
}

function describeNextSteps(plan: RestorePlan): readonly string[] {
  const major = Math.floor(plan.facts.serverVersion / 10_000);
  const start = `start PostgreSQL ${major} on ${plan.targetDirectory}; it recovers from the WAL in the backup and is then ready`;
  if (!plan.missingConfiguration.includes("postgresql.conf")) {
    return [
      start,
      "before that, look at archive_mode and archive_command: the restored configuration is the source's, and would archive to the same place",
    ];
  }
  const original = plan.facts.configuration === null ? "" : `, with the original in ${originalsFolder} at hand`;
  return [
    start,
    `its ${plan.missingConfiguration.join(", ")} are minimal ones: bring over what the server shall have${original}, and look at postgresql.auto.conf, which is the source's`,
  ];
}

/** Two: while one pack's frames are written, the next one is fetched. */
const packsInFlight = 2;
