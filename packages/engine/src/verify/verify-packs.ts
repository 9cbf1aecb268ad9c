import type { FrameSource, VerifiedTier } from "@tidemark/repository";
import type { ProgressMeter } from "../act.ts";
import type { PageInspection } from "../backup/page-inspection.ts";
import { transferOf } from "../frames/batch-bytes.ts";
import type { PackPlaces } from "../frames/place-table.ts";
import { placeWords, readPlace } from "../frames/place-words.ts";
import { type FrameBatch, fetchBatch, type LostFrames, tourFrames } from "../frames/tour-frames.ts";
import type { WorkerThreads } from "../frames/worker-threads.ts";
import type { DamagedFrames, HitBackups } from "./damaged-frames.ts";
import { blocksOf, sayBlocks } from "./say-blocks.ts";
import type { VerifiedFiles } from "./verified-files.ts";
import type { VerifyProblems } from "./verify-problems.ts";
import type { VerifiedFrames, VerifyFrames } from "./verify-requests.ts";

export interface PackVerificationRequest {
  readonly tier: VerifiedTier;
  readonly frames: FrameSource;
  readonly packs: AsyncGenerator<PackPlaces>;
  readonly threads: WorkerThreads<VerifyFrames, VerifiedFrames | null>;
  readonly files: VerifiedFiles;
  /** `path:block` of pages the server itself sent with a wrong checksum. */
  readonly suspects: ReadonlySet<string>;
  readonly damaged: DamagedFrames;
  readonly hits: HitBackups;
  readonly problems: VerifyProblems;
  readonly progress: ProgressMeter;
  readonly signal: AbortSignal;
}

export interface VerifiedPacks {
  /** Packs of which every frame was checked, sound or not. */
  readonly packIds: ReadonlySet<string>;
  readonly checkedBytes: bigint;
  readonly suspectPageCount: number;
}

/** Reads each pack once, whole, and has every frame checked; what was checked is known also when it ends early. */
export async function verifyPacks(
  request: PackVerificationRequest,
): Promise<VerifiedPacks & { readonly failure: unknown }> {
  const verifier = new PackVerifier(request);
  const { frames, packs, signal } = request;
  let failure: unknown = null;
  try {
    await tourFrames({ frames, packs, wholePacks: true, signal, packsInFlight }, verifier);
    await verifier.finish();
  } catch (error) {
    failure = error;
  }
  const { packIds, checkedBytes, suspectPageCount } = verifier;
  return { packIds, checkedBytes, suspectPageCount, failure };
}

class PackVerifier implements VerifiedPacks {
  readonly packIds = new Set<string>();
  checkedBytes = 0n;
  suspectPageCount = 0;
  readonly #request: PackVerificationRequest;
  /** Ranges of each pack that are at work, and one more until the last was handed over. */
  readonly #open = new Map<string, number>();
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | null = null;

  constructor(request: PackVerificationRequest) {
    this.#request = request;
  }

  async visit(whole: FrameBatch, reader?: number): Promise<void> {
    if (this.#failure !== null) throw this.#failure.error;
    const { tier, threads } = this.#request;
    const batch = tier === "whole" ? withoutRepeats(whole, this.#request.files) : whole;
    const inspections = this.#inspections(batch.places);
    const { packId } = batch;
    this.#change(packId, 1);
    const { reply } = await threads.start({ kind: "verify", batch, tier, inspections }, transferOf(batch), reader);
    const task: Promise<void> = reply
      .then(async (verified) => {
        if (verified === null) await fetchBatch(this.#request, batch, this);
        else await this.#note(batch, verified);
        this.#change(packId, -1);
      })
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(task));
    this.#running.add(task);
  }

  /** A range that could not be fetched: its frames are as good as gone. */
  async lost({ packId, frameIndexes, reason }: LostFrames): Promise<void> {
    // Not even its directory could be read.
    if (frameIndexes.length === 0) this.#request.damaged.addPack(packId, reason);
    for (const frameIndex of frameIndexes) this.#request.damaged.add(packId, frameIndex, reason);
  }

  ended(packId: string): void {
    this.#change(packId, 0);
    this.#ends.add(packId);
    if (this.#open.get(packId) === 0) this.packIds.add(packId);
  }

  readonly #ends = new Set<string>();

  async finish(): Promise<void> {
    // What a thread could not read comes once more.
    while (this.#running.size > 0) await Promise.all(this.#running);
    if (this.#failure !== null) throw this.#failure.error;
  }

  #change(packId: string, by: number): void {
    const open = (this.#open.get(packId) ?? 0) + by;
    this.#open.set(packId, open);
    if (open === 0 && this.#ends.has(packId)) this.packIds.add(packId);
  }

  #inspections(words: Uint32Array): ReadonlyMap<number, PageInspection> {
    const inspections = new Map<number, PageInspection>();
    for (let at = 0; at < words.length; at += placeWords) {
      const { fileIndex } = readPlace(words, at);
      if (inspections.has(fileIndex)) continue;
      const inspection = this.#request.files.inspection(fileIndex);
      if (inspection !== null) inspections.set(fileIndex, inspection);
    }
    return inspections;
  }

  async #note(batch: FrameBatch, verified: VerifiedFrames): Promise<void> {
    this.checkedBytes += BigInt(verified.bytes);
    this.#request.progress.add(verified.bytes);
    for (const { frameIndex, reason } of verified.damaged) this.#request.damaged.add(batch.packId, frameIndex, reason);
    for (const at of verified.wrongRuns) await this.#reportRun(batch, at);
    for (const { at, blocks } of verified.wrongPages) await this.#reportPages(batch, at, blocks);
  }

  async #reportRun({ packId, places }: FrameBatch, at: number): Promise<void> {
    const place = readPlace(places, at);
    const path = this.#request.files.path(place.fileIndex).toString("utf8");
    const blocks = blocksOf(place, this.#request.files.facts(place.fileIndex).blockSize);
    const sentence = `${path}, ${sayBlocks(blocks)}: the bytes in pack ${packId} are not those the manifest names`;
    const backupIds = await this.#request.hits.using(packId, places[at + 1] as number);
    this.#request.problems.add({ code: "run-checksum", path, blocks, packId, backupIds, sentence });
  }

  async #reportPages({ packId, places }: FrameBatch, at: number, wrong: readonly number[]): Promise<void> {
    const path = this.#request.files.path(readPlace(places, at).fileIndex).toString("utf8");
    const blocks = wrong.filter((block) => !this.#request.suspects.has(`${path}:${block}`));
    this.suspectPageCount += wrong.length - blocks.length;
    if (blocks.length === 0) return;
    const sentence = `${path}, ${sayBlocks(blocks)}: the page checksum is wrong`;
    const backupIds = await this.#request.hits.using(packId, places[at + 1] as number);
    this.#request.problems.add({ code: "page-checksum", path, blocks, packId, backupIds, sentence });
  }
}

/** A run that several backups have at the same place is checked once, for the oldest of them. */
function withoutRepeats(batch: FrameBatch, files: VerifiedFiles): FrameBatch {
  const { places } = batch;
  const kept = new Uint32Array(places.length);
  const frames: (FrameBatch["frames"][number] & { placeCount: number })[] = [];
  let from = 0;
  let end = 0;
  for (const frame of batch.frames) {
    const first = end;
    const to = from + frame.placeCount * placeWords;
    for (; from < to; from += placeWords) {
      if (isRepeat(kept, first, end, places, from, files)) continue;
      kept.set(places.subarray(from, from + placeWords), end);
      end += placeWords;
    }
    frames.push({ ...frame, placeCount: (end - first) / placeWords });
  }
  return { ...batch, frames, places: kept.slice(0, end) };
}

function isRepeat(
  kept: Uint32Array,
  first: number,
  end: number,
  places: Uint32Array,
  at: number,
  files: VerifiedFiles,
): boolean {
  const path = files.pathNumber(places[at + 2] as number);
  for (let other = first; other < end; other += placeWords) {
    let same = files.pathNumber(kept[other + 2] as number) === path;
    // Offset in the frame, length, checksum and offset in the file.
    for (let word = 3; same && word < placeWords; word++) same = kept[other + word] === places[at + word];
    if (same) return true;
  }
  return false;
}

/** Two: while one pack's frames are checked, the next one is fetched. */
const packsInFlight = 2;
