import { combineCrc32c, crc32cOfZeros } from "@tidemark/kit";
import { extentsPerRecord, frameBytes } from "../format.ts";
import type { ManifestWriter } from "../manifests/manifest-writer.ts";
import type { Extent, FileResult, NewFile } from "../types.ts";

/** A run of a file, known once its frame is encoded. */
export interface FinishedRun {
  readonly extent: Extent;
  readonly crc32c: number;
  readonly findings: readonly unknown[];
}

/** Runs that were begun and are not in the manifest yet: what takes the memory of files that wait for one before them. */
export interface RunTally {
  waiting: number;
}

/** A file whose runs may finish in any order. */
export class PendingFile {
  readonly file: NewFile;
  /** All bytes were given. */
  ended = false;
  readonly #runs: (FinishedRun | undefined)[] = [];
  #begun = 0;
  #crc = 0;
  #began = false;
  readonly #findings: unknown[] = [];
  readonly #tally: RunTally;

  constructor(file: NewFile, tally: RunTally) {
    this.file = file;
    this.#tally = tally;
  }

  /** The number under which the run's outcome is to be given. */
  beginRun(): number {
    this.#tally.waiting++;
    return this.#begun++;
  }

  finishRun(number: number, run: FinishedRun): void {
    this.#runs[number - this.#flushed] = run;
  }

  #flushed = 0;

  /** Writes what is finished from the front; true when the file is complete. */
  flushTo(manifest: ManifestWriter): boolean {
    if (!this.#began) manifest.beginFile(this.file);
    this.#began = true;
    const ready = this.#readyRuns();
    const complete = this.ended && this.#flushed + ready === this.#begun;
    // Some runs make a record worth its head; a file is written in pieces so that it need not fit into memory.
    if (!complete && ready < extentsPerRecord) return false;
    for (let at = 0; at < ready; at += extentsPerRecord) {
      manifest.addExtents(joinZeros(this.#take(Math.min(extentsPerRecord, ready - at))));
    }
    if (complete) manifest.endFile(this.#crc);
    return complete;
  }

  get result(): FileResult {
    return { crc32c: this.#crc, findings: this.#findings };
  }

  #readyRuns(): number {
    let ready = 0;
    while (ready < this.#runs.length && this.#runs[ready] !== undefined) ready++;
    return ready;
  }

  #take(count: number): Extent[] {
    const extents: Extent[] = [];
    for (const run of this.#runs.splice(0, count)) {
      if (run === undefined) continue;
      extents.push(run.extent);
      this.#crc = combineCrc32c(this.#crc, run.crc32c, run.extent.lengthBytes);
      for (const finding of run.findings) this.#findings.push(finding);
    }
    this.#flushed += count;
    this.#tally.waiting -= count;
    return extents;
  }
}

/** Entries in the order they were given, written to the manifest as far as they are finished. */
export class EntryQueue {
  readonly #manifest: ManifestWriter;
  readonly #tally: RunTally = { waiting: 0 };
  #entries: (PendingFile | (() => void))[] = [];
  #waiting: (() => void)[] = [];

  constructor(manifest: ManifestWriter) {
    this.#manifest = manifest;
  }

  get length(): number {
    return this.#entries.length;
  }

  get waitingRuns(): number {
    return this.#tally.waiting;
  }

  addFile(file: NewFile): PendingFile {
    const pending = new PendingFile(file, this.#tally);
    this.#entries.push(pending);
    return pending;
  }

  addDirectory(path: Uint8Array, mode: number): void {
    this.#entries.push(() => this.#manifest.addDirectory(path, mode));
  }

  addSymlink(path: Uint8Array, target: string): void {
    this.#entries.push(() => this.#manifest.addSymlink(path, target));
  }

  flush(): void {
    let done = 0;
    for (const entry of this.#entries) {
      if (entry instanceof PendingFile) {
        if (!entry.flushTo(this.#manifest)) break;
        entry.file.onResult?.(entry.result);
      } else {
        entry();
      }
      done++;
    }
    if (done > 0) this.#entries = this.#entries.slice(done);
    this.wake();
  }

  /** Resolves at the next flush, for those who wait for the queue to shrink. */
  nextFlush(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** Runs of zeros that follow each other become one extent. */
function joinZeros(extents: readonly Extent[]): Extent[] {
  const joined: Extent[] = [];
  for (const extent of extents) {
    const last = joined.at(-1);
    if (extent.kind === "zeros" && last?.kind === "zeros") {
      joined[joined.length - 1] = { ...last, lengthBytes: last.lengthBytes + extent.lengthBytes };
    } else {
      joined.push(extent);
    }
  }
  return joined;
}

const zeros = new Uint8Array(frameBytes);

/** Compares in native code and stops at the first byte that is not zero. At most a frame. */
export function isAllZeros(bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, zeros.subarray(0, bytes.length)) === 0;
}

const fullFrameOfZerosCrc = crc32cOfZeros(frameBytes);

export function crcOfZeros(lengthBytes: number): number {
  return lengthBytes === frameBytes ? fullFrameOfZerosCrc : crc32cOfZeros(lengthBytes);
}
