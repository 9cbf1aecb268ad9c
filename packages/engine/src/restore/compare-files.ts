import type { ExtentRows, ManifestReader } from "@tidemark/repository";
import { type ProgressMeter, throwIfCancelled } from "../act.ts";
import type { PlaceCounts } from "../frames/place-table.ts";
import type { RestoredTree, TargetThreads } from "./restore-tree.ts";

/** Which runs of a restore's files have to be fetched. */
export interface WantedRuns {
  /** Whether extent `index` of a file is wanted; null: the whole file is. */
  of(fileIndex: number): ((index: number) => boolean) | null;
}

/** Everything that is restored at all. */
export const allRuns: WantedRuns = { of: () => null };

/**
 * Compares, run by run, what is in the files with what the manifest names (CRC-32C), in the threads; runs of zeros are
 * made so at once. Counts what has to be fetched. Memory: a bit for each run of files that differ.
 */
export async function compareFiles(request: {
  readonly manifest: ManifestReader;
  readonly tree: RestoredTree;
  readonly threads: TargetThreads;
  readonly counts: PlaceCounts;
  readonly progress: ProgressMeter;
  readonly signal: AbortSignal;
}): Promise<{ readonly wanted: WantedRuns; readonly zeroedBytes: bigint }> {
  const comparison = new Comparison(request.counts, request.threads, request.progress);
  let fileIndex = -1;
  for await (const entry of request.manifest.rows()) {
    throwIfCancelled(request.signal);
    if (entry.kind !== "file") continue;
    fileIndex++;
    const file = request.tree.files[fileIndex];
    if (file === undefined || file.place === null) continue;
    if (file.wasThere) await comparison.compare(fileIndex, file.place, entry.extents);
    else comparison.wantAll(fileIndex, entry.extents);
  }
  await comparison.finish();
  return { wanted: comparison, zeroedBytes: comparison.zeroedBytes };
}

class Comparison implements WantedRuns {
  readonly #counts: PlaceCounts;
  readonly #threads: TargetThreads;
  readonly #progress: ProgressMeter;
  readonly #whole = new Set<number>();
  readonly #bits = new Map<number, Uint8Array>();
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | null = null;
  zeroedBytes = 0n;

  constructor(counts: PlaceCounts, threads: TargetThreads, progress: ProgressMeter) {
    this.#counts = counts;
    this.#threads = threads;
    this.#progress = progress;
  }

  of(fileIndex: number): ((index: number) => boolean) | null {
    if (this.#whole.has(fileIndex)) return null;
    const bits = this.#bits.get(fileIndex);
    if (bits === undefined) return () => false;
    return (index) => ((bits[index >> 3] as number) & (1 << (index & 7))) !== 0;
  }

  wantAll(fileIndex: number, extents: ExtentRows): void {
    this.#whole.add(fileIndex);
    this.#counts.add(extents);
  }

  async compare(fileIndex: number, place: string, extents: ExtentRows): Promise<void> {
    const { count } = extents;
    for (let from = 0; from < count; from += runsPerRequest) {
      if (this.#failure !== null) throw this.#failure.error;
      // The rows are another file's when the answer comes.
      const some = { fileIndex, count, from, ...runsOf(extents, from, Math.min(count, from + runsPerRequest)) };
      const { reply } = await this.#threads.start({ kind: "compare", place, runs: some.runs });
      const task: Promise<void> = reply
        .then((compared) => {
          if (compared.kind !== "compared") throw new TypeError("a file was not compared");
          this.zeroedBytes += BigInt(compared.zeroedBytes);
          this.#note(some, compared.differs);
          this.#progress.add(some.lengthBytes);
        })
        .catch((error: unknown) => {
          this.#failure ??= { error };
        })
        .finally(() => this.#running.delete(task));
      this.#running.add(task);
    }
  }

  async finish(): Promise<void> {
    await Promise.all(this.#running);
    if (this.#failure !== null) throw this.#failure.error;
  }

  #note({ fileIndex, count, from, packIds }: ComparedRuns, differs: Uint8Array): void {
    for (const [at, isOther] of differs.entries()) {
      const packId = packIds[at] ?? null;
      if (isOther === 0 || packId === null) continue;
      const bits = this.#bits.get(fileIndex) ?? new Uint8Array((count + 7) >> 3);
      this.#bits.set(fileIndex, bits);
      const index = from + at;
      bits[index >> 3] = (bits[index >> 3] as number) | (1 << (index & 7));
      this.#counts.addOne(packId);
    }
  }
}

/** Some runs of a file that has `count` of them. */
interface ComparedRuns extends RunsOfRequest {
  readonly fileIndex: number;
  readonly count: number;
  /** The number of the first. */
  readonly from: number;
}

interface RunsOfRequest {
  /** As the threads take them. */
  readonly runs: Float64Array<ArrayBuffer>;
  /** Null for zeros. */
  readonly packIds: readonly (string | null)[];
  readonly lengthBytes: number;
}

function runsOf(extents: ExtentRows, from: number, to: number): RunsOfRequest {
  const runs = new Float64Array((to - from) * 3);
  const packIds: (string | null)[] = [];
  for (let index = from, at = 0; index < to; index++) {
    const isZeros = extents.isZeros(index);
    packIds.push(isZeros ? null : extents.packIdOf(index));
    runs[at++] = extents.beginOf(index);
    runs[at++] = extents.endOf(index) - extents.beginOf(index);
    runs[at++] = isZeros ? -1 : extents.crcOf(index);
  }
  return { runs, packIds, lengthBytes: extents.endOf(to - 1) - extents.beginOf(from) };
}

/** 128 MiB of whole frames, 8 MiB of single pages. */
const runsPerRequest = 1024;
