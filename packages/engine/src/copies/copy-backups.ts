import { AppError, type Clock, formatBytes } from "@tidemark/kit";
import { copyBackup, copyMarks, type ServerArea, surveyCopy } from "@tidemark/repository";
import { type ActControl, cancellation, ProgressMeter, reachStep } from "../act.ts";
import { type CatalogEntry, listCatalog } from "../catalog.ts";
import { RateLimit } from "../file-backup/rate-limit.ts";

export interface CopyDeps {
  /** Where the backups are. */
  readonly source: ServerArea;
  /** The same server's area in the second repository. */
  readonly target: ServerArea;
  readonly clock: Clock;
}

export interface CopyRequest {
  /** One backup; null: all that are usable and not there yet. */
  readonly backupId: string | null;
  /** Not to be copied: they were there, and were deleted there on purpose. */
  readonly skipIds: readonly string[];
  /** Bytes read and sent are kept below this, in KiB/s on average; null or left out: as fast as it goes. */
  readonly maxRateKib?: number | null;
}

export interface PlannedCopy {
  readonly backupId: string;
  readonly startedAt: Date;
  /** Packs only it still needs, after those planned before it. */
  readonly packCount: number;
  readonly storedBytes: bigint;
  /** Why it is copied: it is not there, or something of it is missing there. */
  readonly reason: "absent" | "incomplete";
}

/** A copy as a value: what would be brought, in which order. */
export interface CopyPlan {
  readonly serverId: string;
  readonly request: CopyRequest;
  readonly copies: readonly PlannedCopy[];
  /** Not there, and cannot be copied, and why: damaged here, or packs are lost. */
  readonly refused: readonly { readonly backupId: string; readonly reason: string }[];
  /** In both places already: only their holds and notes are compared. */
  readonly presentIds: readonly string[];
  readonly storedBytes: bigint;
}

/**
 * What the second repository lacks, newest first: if the first is lost, the newest backup is the one that counts, and a
 * copy that has fallen behind must not spend its time on those that retention takes next. Since packs are shared, the
 * order does not change what is brought in all. Writes nothing.
 */
export async function planCopies(deps: CopyDeps, request: CopyRequest): Promise<CopyPlan> {
  const { source, target } = deps;
  if (source.serverId !== target.serverId) {
    throw new AppError("bad-request", { message: "a backup is copied to the same server of another repository" });
  }
  const wanted = chooseBackups(await listCatalog(source), request);
  const usable = wanted.filter((entry) => entry.damaged === null && entry.backup.facts !== null);
  const unusable = wanted.filter((entry) => !usable.includes(entry));
  // What was copied while it was whole is safe there, whatever became of it here since.
  const safeIds = unusable.length === 0 ? new Set<string>() : await readableIds(target);
  const refused = unusable
    .filter(({ backup }) => !safeIds.has(backup.backupId))
    .map(({ backup, damaged }) => ({ backupId: backup.backupId, reason: damaged ?? "its manifest cannot be read" }));
  const ids = usable.map(({ backup }) => backup.backupId);
  const brought = new Set<string>();
  const copies: PlannedCopy[] = [];
  const presentIds = unusable.map(({ backup }) => backup.backupId).filter((backupId) => safeIds.has(backupId));
  for (const [index, need] of (await surveyCopy(source, target, ids)).entries()) {
    const lost = [...need.missingPacks].find(([, sizeBytes]) => sizeBytes === null);
    if (lost !== undefined) refused.push({ backupId: need.backupId, reason: `pack ${lost[0]} is missing` });
    else if (need.isListed && need.missingPacks.size === 0) presentIds.push(need.backupId);
    else copies.push(planOne(need, usable[index], brought));
  }
  const storedBytes = copies.reduce((sum, copy) => sum + copy.storedBytes, 0n);
  return { serverId: source.serverId, request, copies, refused, presentIds, storedBytes };
}

/** Backups whose copy is not known to be damaged there. */
async function readableIds(target: ServerArea): Promise<ReadonlySet<string>> {
  const copies = (await listCatalog(target)).filter(({ damaged }) => damaged === null);
  return new Set(copies.map(({ backup }) => backup.backupId));
}

function chooseBackups(catalog: readonly CatalogEntry[], request: CopyRequest): readonly CatalogEntry[] {
  const skipped = new Set(request.skipIds);
  const newestFirst = [...catalog].reverse();
  if (request.backupId === null) return newestFirst.filter(({ backup }) => !skipped.has(backup.backupId));
  const one = newestFirst.filter(({ backup }) => backup.backupId === request.backupId);
  if (one.length > 0) return one;
  throw new AppError("not-found", { message: `there is no backup ${request.backupId} in the repository` });
}

function planOne(
  need: Awaited<ReturnType<typeof surveyCopy>>[number],
  entry: CatalogEntry | undefined,
  brought: Set<string>,
): PlannedCopy {
  let storedBytes = 0n;
  let packCount = 0;
  for (const [packId, sizeBytes] of need.missingPacks) {
    if (brought.has(packId)) continue;
    brought.add(packId);
    packCount++;
    storedBytes += BigInt(sizeBytes ?? 0);
  }
  const startedAt = entry?.backup.facts?.startedAt ?? new Date(0);
  return {
    backupId: need.backupId,
    startedAt,
    packCount,
    storedBytes,
    reason: need.isListed ? "incomplete" : "absent",
  };
}

export interface CopyReport {
  readonly copiedIds: readonly string[];
  /** Could not be copied: what they need is damaged or lost at the source, or about to be removed at the target. */
  readonly failed: readonly { readonly backupId: string; readonly code: string; readonly reason: string }[];
  /** Deleted at the source since the plan was made. */
  readonly goneIds: readonly string[];
  readonly copiedPacks: number;
  readonly copiedBytes: bigint;
  readonly replacedPacks: readonly string[];
  readonly copiedMarks: number;
}

/**
 * Brings what was planned, one backup after another; each is whole at the target, and read back there, before the next.
 * Running it again, also after dying anywhere, brings only what is still missing. What is damaged at the source is
 * reported and the others go on; a target that cannot be written, or a source that cannot be asked, ends the act.
 */
export async function executeCopies(deps: CopyDeps, plan: CopyPlan, control: ActControl): Promise<CopyReport> {
  if (plan.serverId !== deps.source.serverId || plan.serverId !== deps.target.serverId) {
    throw new AppError("plan-stale", { message: "the plan was made for another server", hint: "nothing was copied" });
  }
  const act = new Copying(deps, plan, control);
  control.emit({
    kind: "phase",
    phase: "copying",
    message: `copying ${plan.copies.length} backups, ${formatBytes(plan.storedBytes)}`,
  });
  for (const copy of plan.copies) await act.copyOne(copy);
  await act.compareMarks();
  return act.report();
}

class Copying {
  readonly #deps: CopyDeps;
  readonly #plan: CopyPlan;
  readonly #control: ActControl;
  readonly #progress: ProgressMeter;
  readonly #rate: RateLimit;
  readonly #checkedPacks = new Set<string>();
  readonly #copiedIds: string[] = [];
  readonly #failed: { backupId: string; code: string; reason: string }[] = [];
  readonly #goneIds: string[] = [];
  readonly #replacedPacks: string[] = [];
  #copiedPacks = 0;
  #copiedBytes = 0n;
  #copiedMarks = 0;

  constructor(deps: CopyDeps, plan: CopyPlan, control: ActControl) {
    this.#deps = deps;
    this.#plan = plan;
    this.#control = control;
    this.#rate = new RateLimit(plan.request.maxRateKib ?? null, deps.clock, control.signal);
    this.#progress = new ProgressMeter(control, deps.clock, plan.storedBytes);
    for (const { backupId, reason } of plan.refused) this.#failed.push({ backupId, code: "backup-damaged", reason });
  }

  async copyOne({ backupId }: PlannedCopy): Promise<void> {
    const { source, target } = this.#deps;
    const { signal } = this.#control;
    await reachStep(this.#control, "copy:before-backup");
    try {
      const onBytes = (bytes: number): void => this.#progress.add(bytes);
      const pace = (bytes: number): Promise<void> => this.#rate.spend(bytes);
      const checkedPacks = this.#checkedPacks;
      const done = await copyBackup({ source, target, backupId, checkedPacks, onBytes, pace, signal });
      this.#copiedIds.push(backupId);
      this.#copiedPacks += done.copiedPacks;
      this.#copiedBytes += done.copiedBytes;
      this.#copiedMarks += done.copiedMarks;
      this.#replacedPacks.push(...done.replacedPacks);
      this.#log("info", `copied ${backupId}: ${done.copiedPacks} packs, ${formatBytes(done.copiedBytes)}`);
    } catch (error) {
      if (signal.aborted) throw cancellation(signal);
      if (!(error instanceof AppError)) throw error;
      if (error.code === "manifest-missing") this.#goneIds.push(backupId);
      else if (!ofOneBackup.has(error.code)) throw error;
      else this.#fail(backupId, error);
    }
    await reachStep(this.#control, "copy:after-backup");
  }

  /** Holds that were put, or released, since a backup was copied. */
  async compareMarks(): Promise<void> {
    for (const backupId of this.#plan.presentIds) {
      this.#copiedMarks += await copyMarks(this.#deps.source, this.#deps.target, backupId);
    }
  }

  report(): CopyReport {
    this.#progress.finish();
    return {
      copiedIds: this.#copiedIds,
      failed: this.#failed,
      goneIds: this.#goneIds,
      copiedPacks: this.#copiedPacks,
      copiedBytes: this.#copiedBytes,
      replacedPacks: this.#replacedPacks,
      copiedMarks: this.#copiedMarks,
    };
  }

  #fail(backupId: string, error: AppError): void {
    const advice = error.code === "pack-condemned" && error.hint !== undefined ? `; ${error.hint}` : "";
    this.#failed.push({ backupId, code: error.code, reason: `${error.message}${advice}` });
    this.#log("warning", `${backupId} cannot be copied: ${error.message}`);
  }

  #log(level: "info" | "warning", message: string): void {
    this.#control.emit({ kind: "log", level, message });
  }
}

/** What keeps one backup from being copied, and not the others: lost at the source, or about to go at the target. */
const ofOneBackup: ReadonlySet<string> = new Set([
  "pack-missing",
  "pack-damaged",
  "manifest-damaged",
  "pack-condemned",
]);
