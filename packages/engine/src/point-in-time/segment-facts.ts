import { AppError } from "@tidemark/kit";
import type { RecoveryTarget, WindowCommit } from "@tidemark/policy";
import type { WalArchive } from "@tidemark/repository";
import { throwIfCancelled } from "../act.ts";
import type { ArchivedCluster, ListedSegment } from "./archived-cluster.ts";

/**
 * Reads what the ends of some segments say: those at the ends of what is without a hole, and those around the target.
 * An archive holds a hundred thousand of them and each costs a request, so all are read only for a restore point,
 * whose name may be in any.
 */
export async function readFactsFor(
  { archive, lines, segmentSizeBytes }: ArchivedCluster,
  target: RecoveryTarget,
  signal: AbortSignal,
): Promise<void> {
  const reader = new FactsReader(archive, signal);
  const runs = [...lines.values()].flatMap((line) => withoutHoles(line, BigInt(segmentSizeBytes)));
  for (const run of runs) {
    await reader.readBack(run, run.length - 1);
    await reader.readOn(run, 0);
    if (target.kind === "name") await reader.readAll(run);
    if (target.kind === "time") await reader.readAround(run, ({ at }) => at.getTime() > target.at.getTime());
    // Transaction ids wrap around: compared as the server does (transam.c, TransactionIdFollows).
    if (target.kind === "xid")
      await reader.readAround(run, ({ xid }) => ((xid - Number(BigInt(target.xid) & 0xffff_ffffn)) | 0) >= 0);
    if (target.kind === "lsn")
      await reader.readAll(run.filter(({ startLsn }) => distance(startLsn, target.lsn) <= BigInt(segmentSizeBytes)));
  }
}

/** Segments that follow each other. */
function withoutHoles(line: readonly ListedSegment[], sizeBytes: bigint): readonly (readonly ListedSegment[])[] {
  const runs: ListedSegment[][] = [];
  for (const segment of line) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    if (run !== undefined && before !== undefined && before.startLsn + sizeBytes === segment.startLsn)
      run.push(segment);
    else runs.push([segment]);
  }
  return runs;
}

class FactsReader {
  readonly #archive: WalArchive;
  readonly #signal: AbortSignal;

  constructor(archive: WalArchive, signal: AbortSignal) {
    this.#archive = archive;
    this.#signal = signal;
  }

  /** From one segment backwards until one has a commit, which is given. */
  async readBack(run: readonly ListedSegment[], from: number): Promise<WindowCommit | null> {
    return await this.#walk(run, from, -1);
  }

  async readOn(run: readonly ListedSegment[], from: number): Promise<WindowCommit | null> {
    return await this.#walk(run, from, 1);
  }

  /** The segments around the first whose commits are behind what is looked for, found by halving. */
  async readAround(run: readonly ListedSegment[], isBehind: (commit: WindowCommit) => boolean): Promise<void> {
    let low = 0;
    let high = run.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const commit = await this.readBack(run, middle);
      if (commit !== null && isBehind(commit)) high = middle;
      else low = middle + 1;
    }
    await this.readAll(run.slice(Math.max(0, low - around), low + around + 1));
    await this.readBack(run, Math.max(0, low - around - 1));
  }

  async readAll(segments: readonly ListedSegment[]): Promise<void> {
    const waiting = segments.values();
    const work = async (): Promise<void> => {
      for (const segment of waiting) await this.#read(segment);
    };
    await Promise.all(Array.from({ length: requestsAtOnce }, work));
  }

  /**
   * However far it is: an idle server whose segments are switched by time writes hundreds without a commit, and to give
   * up among them would take the place for one before all commits. What was read is not read again.
   */
  async #walk(run: readonly ListedSegment[], from: number, step: 1 | -1): Promise<WindowCommit | null> {
    for (let at = from, count = 1; run[at] !== undefined; count = Math.min(count * 2, mostAtOnce)) {
      const next = Array.from({ length: count }, (_, index) => run[at + index * step]);
      const segments = next.filter((segment) => segment !== undefined);
      await this.readAll(segments);
      for (const { facts } of segments) {
        const commit = step < 0 ? facts?.lastCommit : facts?.firstCommit;
        if (commit != null) return commit;
      }
      at += segments.length * step;
    }
    return null;
  }

  /** What cannot be read, or went meanwhile, has no facts; whoever needs the segment itself will be told. */
  async #read(segment: ListedSegment): Promise<void> {
    throwIfCancelled(this.#signal);
    if (segment.facts !== undefined) return;
    try {
      segment.facts = (await this.#archive.describe(segment.name))?.facts ?? null;
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "wal-damaged") throw error;
      segment.facts = null;
    }
  }
}

function distance(left: bigint, right: bigint): bigint {
  return left > right ? left - right : right - left;
}

/** Commits are not quite in the order of their times and numbers; a transaction may end long after its number was given. */
const around = 8;
const mostAtOnce = 256;
const requestsAtOnce = 16;
