import type { Extent, ManifestReader } from "@tidemark/repository";
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
  for await (const entry of request.manifest.entries()) {
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

  wantAll(fileIndex: number, extents: readonly Extent[]): void {
    this.#whole.add(fileIndex);
    this.#counts.add(extents);
  }

  async compare(fileIndex: number, place: string, extents: readonly Extent[]): Promise<void> {
    for (let from = 0; from < extents.length; from += runsPerRequest) {
      if (this.#failure !== null) throw this.#failure.error;
      const some = extents.slice(from, from + runsPerRequest);
      const { reply } = await this.#threads.start({ kind: "compare", place, runs: runsOf(some) });
      const task: Promise<void> = reply
        .then((compared) => {
          if (compared.kind !== "compared") throw new TypeError("a file was not compared");
          this.zeroedBytes += BigInt(compared.zeroedBytes);
          this.#note(fileIndex, extents, from, compared.differs);
          this.#progress.add(some.reduce((sum, { lengthBytes }) => sum + Number(lengthBytes), 0));
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

  #note(fileIndex: number, extents: readonly Extent[], from: number, differs: Uint8Array): void {
    for (const [at, isOther] of differs.entries()) {
      const extent = extents[from + at];
      if (isOther === 0 || extent?.kind !== "frame") continue;
      const bits = this.#bits.get(fileIndex) ?? new Uint8Array((extents.length + 7) >> 3);
      this.#bits.set(fileIndex, bits);
      const index = from + at;
      bits[index >> 3] = (bits[index >> 3] as number) | (1 << (index & 7));
      this.#counts.addOne(extent.packId);
    }
  }
}

function runsOf(extents: readonly Extent[]): Float64Array<ArrayBuffer> {
  const runs = new Float64Array(extents.length * 3);
  for (const [at, extent] of extents.entries()) {
    runs[at * 3] = Number(extent.fileOffset);
    runs[at * 3 + 1] = Number(extent.lengthBytes);
    runs[at * 3 + 2] = extent.kind === "zeros" ? -1 : extent.crc32c;
  }
  return runs;
}

/** 128 MiB of whole frames, 8 MiB of single pages. */
const runsPerRequest = 1024;
