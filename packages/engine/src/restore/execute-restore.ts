import { rename } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { AppError, formatBytes, formatDuration, joinCleanup } from "@tidemark/kit";
import type { ServerLimits } from "@tidemark/postgres";
import type { ManifestReader } from "@tidemark/repository";
import { type ActControl, cancellation, ProgressMeter, reachStep, throwIfCancelled } from "../act.ts";
import { frameActScript } from "../frames/frame-act-script.ts";
import { PlaceCounts, PlaceTable } from "../frames/place-table.ts";
import { WorkerThreads } from "../frames/worker-threads.ts";
import { holdForReading } from "../hold-packs.ts";
import { copyNeededWal } from "../point-in-time/copy-needed-wal.ts";
import { raisedLimits } from "../point-in-time/raised-limits.ts";
import type { RecoveryPlan } from "../point-in-time/recovery-request.ts";
import type { ComposedFile } from "../restored-configuration/compose-configuration.ts";
import { writeConfiguration } from "../restored-configuration/write-configuration.ts";
import { writeRecovery } from "../restored-configuration/write-recovery.ts";
import { allRuns, compareFiles, type WantedRuns } from "./compare-files.ts";
import { describeNextSteps } from "./next-steps.ts";
import { writePartialNote } from "./partial-restore.ts";
import { planRestore, type RestoreDeps, type RestorePlan } from "./plan-restore.ts";
import { foldersOf, prepareTarget } from "./prepare-target.ts";
import { describeChoice } from "./restore-databases.ts";
import {
  controlPath,
  partialRestorePath,
  RestorePlaces,
  stagedControlPath,
  tablespaceMapPath,
} from "./restore-places.ts";
import { removeMark, syncDirectory, wrapTargetError } from "./restore-target.ts";
import { RestoredTree, type TargetThreads } from "./restore-tree.ts";
import { makeTablespaceLinks, rewriteTablespaceMap } from "./tablespace-links.ts";
import { writeBackupManifest } from "./write-backup-manifest.ts";
import { writeData } from "./write-data.ts";

export interface RestoreReport {
  readonly backupId: string;
  readonly targetDirectory: string;
  readonly fileCount: number;
  /** Plain bytes written: in a delta restore only what differed. */
  readonly writtenBytes: bigint;
  readonly durationMs: number;
  /** Null unless it was a delta restore. */
  readonly delta: { readonly comparedBytes: bigint; readonly removedCount: number } | null;
  /** What is not as one might think, as sentences: databases that were left empty. */
  readonly findings: readonly string[];
  /** What a person does next, as sentences. */
  readonly nextSteps: readonly string[];
}

/**
 * Restores what was planned. The folder is marked before anything is written and unmarked at the end, `pg_control`
 * gets its name last (a delta restore takes it away first), and all is synced before that: whatever dies in between, no
 * server starts on half a restore, and running it again clears the rest and begins anew, or as a delta goes on.
 *
 * Throws `plan-stale` when the backup or the plan's facts have changed, the code of the first failed check
 * (`target-not-empty`, `target-in-use`, `target-full` …), `backup-damaged` naming file and blocks, `cancelled`.
 */
export async function executeRestore(
  deps: RestoreDeps,
  plan: RestorePlan,
  control: ActControl,
): Promise<RestoreReport> {
  const startedMs = deps.clock.monotonicMs();
  control.emit({ kind: "phase", phase: "preparing", message: plan.sentence });
  await using threads: TargetThreads = new WorkerThreads(
    frameActScript,
    deps.threads ?? Math.min(mostThreads, availableParallelism()),
  );
  threads.warmUp();
  await refuseStale(deps, plan, control);
  await using _hold = await holdForReading(deps.area, control);
  const restore = new Restore(deps, plan, control, threads);
  try {
    await restore.run();
  } catch (error) {
    throw await joinCleanup(
      control.signal.aborted ? cancellation(control.signal) : wrapTargetError(error, plan.targetDirectory),
      () => restore.close(),
    );
  }
  await restore.close();
  const durationMs = deps.clock.monotonicMs() - startedMs;
  const finding = describeChoice(plan.databases);
  const what =
    plan.delta === null
      ? `restored ${formatBytes(plan.bytesToWrite)}`
      : `rewrote ${formatBytes(restore.writtenBytes)} of ${formatBytes(plan.bytesToWrite)}`;
  control.emit({ kind: "log", level: "info", message: `${what} in ${formatDuration(durationMs)}` });
  if (finding !== null) control.emit({ kind: "log", level: "warning", message: finding });
  return {
    backupId: plan.backupId,
    targetDirectory: plan.targetDirectory,
    fileCount: plan.fileCount,
    writtenBytes: restore.writtenBytes,
    durationMs,
    delta: plan.delta === null ? null : { comparedBytes: plan.delta.comparedBytes, removedCount: restore.removedCount },
    findings: [...(finding === null ? [] : [finding]), ...(plan.recovery?.notes ?? [])],
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

/** Files have their full size before anything is in them: what was passed over would be zeros that nobody notices. */
function notAll(written: bigint, wanted: bigint): AppError {
  return new AppError("internal", {
    message: `${written} of ${wanted} bytes were written`,
    hint: "the folder stays marked as unfinished; run the restore again, and report this",
  });
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
  readonly #threads: TargetThreads;
  /** The map with the new places; null when the backup has none. */
  readonly #tablespaceMap: Uint8Array | null;
  #table: PlaceTable | null = null;
  /** Those the source was given after the backup; null: none are known. */
  #limits: ServerLimits | null = null;
  #middleReached = false;
  writtenBytes = 0n;
  removedCount = 0;

  constructor(deps: RestoreDeps, plan: RestorePlan, control: ActControl, threads: TargetThreads) {
    this.#deps = deps;
    this.#plan = plan;
    this.#control = control;
    this.#places = new RestorePlaces(plan.targetDirectory, plan.tablespaces, keepsSignals(plan));
    this.#threads = threads;
    this.#tablespaceMap = rewriteTablespaceMap(plan);
  }

  async run(): Promise<void> {
    const { signal } = this.#control;
    const manifest = await this.#deps.area.openManifest(this.#plan.backupId);
    this.removedCount = await prepareTarget({
      manifest,
      plan: this.#plan,
      places: this.#places,
      control: this.#control,
      clock: this.#deps.clock,
    });
    await reachStep(this.#control, "restore:before-tree");
    const counts = new PlaceCounts();
    const isDelta = this.#plan.delta !== null;
    const tree = await this.#makeTree(manifest, isDelta ? null : counts);
    const wanted = isDelta ? await this.#compare(manifest, tree, counts) : allRuns;
    // Before the data: what the archive cannot give after all is known early.
    await this.#prepareWal();
    await reachStep(this.#control, "restore:before-data");
    await this.#writeData(manifest, tree, counts, wanted);
    await reachStep(this.#control, "restore:before-links");
    await makeTablespaceLinks(this.#plan, this.#places, this.#tablespaceMap);
    const composed = await this.#compose();
    await reachStep(this.#control, "restore:before-backup-manifest");
    const { tablespaceMap, plan, places } = {
      tablespaceMap: this.#tablespaceMap,
      plan: this.#plan,
      places: this.#places,
    };
    await writeBackupManifest({ manifest, plan, places, tablespaceMap, composed, signal });
    await reachStep(this.#control, "restore:before-sync");
    this.#control.emit({ kind: "phase", phase: "syncing", message: "making everything durable" });
    await tree.sync(signal);
    await this.#finish(tree);
  }

  async #prepareWal(): Promise<void> {
    const { recovery } = this.#plan;
    if (recovery === null) return;
    if (recovery.request.wal !== "copy") {
      this.#limits = await this.#askLimits(recovery);
      return;
    }
    await reachStep(this.#control, "restore:before-wal");
    const archive = this.#deps.area.wal(recovery.systemIdentifier);
    const { clock } = this.#deps;
    this.#limits = await copyNeededWal({
      archive,
      plan: this.#plan,
      recovery,
      places: this.#places,
      control: this.#control,
      clock,
    });
  }

  /** The server fetches its WAL by itself, and must not meet a limit above its own there. */
  async #askLimits({ systemIdentifier, segments }: RecoveryPlan): Promise<ServerLimits | null> {
    return await raisedLimits({
      archive: this.#deps.area.wal(systemIdentifier),
      segments,
      major: Math.floor(this.#plan.facts.serverVersion / 10_000),
      signal: this.#control.signal,
      onRead: (count) => {
        const message = `reading ${count} WAL segments for limits of the source that were raised after the backup: what is stored with them does not tell`;
        this.#control.emit({ kind: "log", level: "info", message });
      },
    });
  }

  /** What is written beside the backup's files, or instead of them. */
  async #compose(): Promise<readonly ComposedFile[]> {
    const plan = this.#plan;
    const files = [...(await writeConfiguration(plan, this.#places))];
    const note = await writePartialNote(plan, this.#places);
    if (note !== null) files.push(note);
    if (keepsSignals(plan)) return files;
    const changed = await writeRecovery(plan, this.#places, this.#limits);
    const paths = new Set(changed.map(({ path }) => path));
    return [...files.filter(({ path }) => !paths.has(path)), ...changed];
  }

  /** When it settles, no thread of the restore is at work any more. */
  async close(): Promise<void> {
    const table = this.#table;
    this.#table = null;
    await Promise.all([this.#threads.close(), table?.close()]);
  }

  #makeTree(manifest: ManifestReader, counts: PlaceCounts | null): Promise<RestoredTree> {
    const isPartial = describeChoice(this.#plan.databases) !== null;
    return RestoredTree.make({
      manifest,
      plan: this.#plan,
      places: this.#places,
      threads: this.#threads,
      isOthers: (path) =>
        (path === tablespaceMapPath && this.#tablespaceMap !== null) || (path === partialRestorePath && isPartial),
      counts,
      signal: this.#control.signal,
    });
  }

  async #compare(manifest: ManifestReader, tree: RestoredTree, counts: PlaceCounts): Promise<WantedRuns> {
    await reachStep(this.#control, "restore:before-compare");
    const total = this.#plan.delta?.comparedBytes ?? 0n;
    this.#control.emit({
      kind: "phase",
      phase: "comparing",
      message: `comparing ${formatBytes(total)} with the backup`,
    });
    const progress = new ProgressMeter(this.#control, this.#deps.clock, total);
    const { signal } = this.#control;
    const { wanted, zeroedBytes } = await compareFiles({
      manifest,
      tree,
      threads: this.#threads,
      counts,
      progress,
      signal,
    });
    progress.finish();
    this.writtenBytes += zeroedBytes;
    return wanted;
  }

  async #writeData(
    manifest: ManifestReader,
    tree: RestoredTree,
    counts: PlaceCounts,
    wanted: WantedRuns,
  ): Promise<void> {
    const { signal } = this.#control;
    const places = await PlaceTable.open({ counts, spoolFolder: this.#plan.targetDirectory });
    this.#table = places;
    let fileIndex = -1;
    let wantedBytes = 0n;
    for await (const entry of manifest.rows()) {
      throwIfCancelled(signal);
      if (entry.kind !== "file") continue;
      fileIndex++;
      if (tree.files[fileIndex]?.place == null) continue;
      wantedBytes += BigInt(await places.add(fileIndex, entry.extents, wanted.of(fileIndex) ?? undefined));
    }
    this.#control.emit({
      kind: "phase",
      phase: "copying",
      message: `fetching ${formatBytes(wantedBytes)} from ${counts.packs.size} packs`,
    });
    const progress = new ProgressMeter(this.#control, this.#deps.clock, wantedBytes);
    const onRange = async () => {
      if (this.#middleReached || progress.doneBytes * 2n < wantedBytes) return;
      this.#middleReached = true;
      await reachStep(this.#control, "restore:before-middle-frame");
    };
    const frames = this.#deps.area.frames();
    const data = { manifest, frames, places, tree, threads: this.#threads, progress, onRange, signal };
    const written = await writeData(data);
    if (written !== wantedBytes) throw notAll(written, wantedBytes);
    this.writtenBytes += written;
    // A restore of very little has its middle at its end.
    if (!this.#middleReached) await reachStep(this.#control, "restore:before-middle-frame");
    progress.finish();
  }

  /** All is durable by now. The data directory's mark is the last to go: it stands for the tablespaces, too. */
  async #finish(tree: RestoredTree): Promise<void> {
    await reachStep(this.#control, "restore:before-control");
    await rename(this.#places.below(stagedControlPath), this.#places.below(controlPath));
    await syncDirectory(this.#places.below("global"));
    await reachStep(this.#control, "restore:before-unmark");
    for (const folder of [...foldersOf(this.#plan)].reverse()) {
      await removeMark(folder);
      if (folder !== this.#plan.targetDirectory) await reachStep(this.#control, "restore:between-unmarks");
    }
    await tree.syncParents();
  }
}

/** A standby that comes back as the standby it was keeps following, archiving and waiting as it did. */
function keepsSignals(plan: RestorePlan): boolean {
  return plan.request.keepSignalFiles && plan.recovery === null;
}

/** More threads than this wait for the disk, and each costs some 40 MiB. */
const mostThreads = 4;
