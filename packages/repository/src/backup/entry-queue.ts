import { combineCrc32c, crc32cOfZeros } from "@tidemark/kit";
import { extentsPerRecord, frameBytes } from "../format.ts";
import type { CarriedRuns, ExtentTable } from "../manifests/extent-table.ts";
import type { RecordedExtents } from "../manifests/manifest-records.ts";
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
  readonly #runs: (FinishedRun | CarriedRuns | undefined)[] = [];
  #begun = 0;
  /** So many from the front are finished, and how many runs they are. */
  #ready = 0;
  #readyRuns = 0;
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

  /** Runs that are finished from the beginning: the parent's, as they are. */
  addCarried(runs: CarriedRuns): void {
    this.#tally.waiting += runs.to - runs.from;
    this.#runs[this.#begun++ - this.#flushed] = runs;
  }

  #flushed = 0;

  /** Writes what is finished from the front; true when the file is complete. */
  flushTo(manifest: ManifestWriter): boolean {
    if (!this.#began) manifest.beginFile(this.file);
    this.#began = true;
    for (; this.#runs[this.#ready] !== undefined; this.#ready++) this.#readyRuns += countOf(this.#runs[this.#ready]);
    const complete = this.ended && this.#flushed + this.#ready === this.#begun;
    // Some runs make a record worth its head; a file is written in pieces so that it need not fit into memory.
    if (!complete && this.#readyRuns < extentsPerRecord) return false;
    while (this.#ready > 0) manifest.addExtents(joinZeros(this.#take()));
    if (complete) manifest.endFile(this.#crc);
    return complete;
  }

  get result(): FileResult {
    return { crc32c: this.#crc, findings: this.#findings };
  }

  /** A record's worth of what is ready. */
  #take(): (Extent | CarriedRuns)[] {
    const extents: (Extent | CarriedRuns)[] = [];
    let room = extentsPerRecord;
    let slots = 0;
    for (; slots < this.#ready && room > 0; slots++) {
      const run = this.#runs[slots];
      if (run === undefined) break;
      if ("table" in run) {
        const to = Math.min(run.to, run.from + room);
        room -= to - run.from;
        extents.push({ ...run, to });
        this.#addCrcs(run.table, run.from, to);
        if (to === run.to) continue;
        this.#runs[slots] = { ...run, from: to };
        break;
      }
      room--;
      extents.push(run.extent);
      this.#crc = combineCrc32c(this.#crc, run.crc32c, run.extent.lengthBytes);
      for (const finding of run.findings) this.#findings.push(finding);
    }
    this.#runs.splice(0, slots);
    this.#ready -= slots;
    this.#flushed += slots;
    this.#readyRuns -= extentsPerRecord - room;
    this.#tally.waiting -= extentsPerRecord - room;
    return extents;
  }

  #addCrcs(table: ExtentTable, from: number, to: number): void {
    for (let index = from; index < to; index++) {
      this.#crc = combineCrc32c(this.#crc, table.crcOf(index), table.endOf(index) - table.beginOf(index));
    }
  }
}

function countOf(run: FinishedRun | CarriedRuns | undefined): number {
  return run !== undefined && "table" in run ? run.to - run.from : 1;
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
function joinZeros(extents: RecordedExtents): RecordedExtents {
  const joined: (Extent | CarriedRuns)[] = [];
  for (const extent of extents) {
    const last = joined.at(-1);
    if (isZeros(extent) && last !== undefined && isZeros(last)) {
      joined[joined.length - 1] = { ...last, lengthBytes: last.lengthBytes + extent.lengthBytes };
    } else {
      joined.push(extent);
    }
  }
  return joined;
}

function isZeros(extent: Extent | CarriedRuns): extent is Extent & { readonly kind: "zeros" } {
  return "kind" in extent && extent.kind === "zeros";
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
