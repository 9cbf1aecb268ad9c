import { combineCrc32c, crc32cOfZeros } from "@tidemark/kit";
import { extentsPerRecord, frameBytes } from "../format.ts";
import type { CarriedRuns, ExtentTable } from "../manifests/extent-table.ts";
import type { ManifestWriter } from "../manifests/manifest-writer.ts";
import { type OwnRuns, type RunPlace, RunTable } from "../manifests/run-table.ts";
import type { FileResult, NewFile } from "../types.ts";

/** A file whose runs may finish in any order. */
export class PendingFile {
  readonly file: NewFile;
  /** All bytes were given. */
  ended = false;
  /** Rows of the table, and the parent's runs, that are not in the manifest yet. */
  readonly #runs: (number | CarriedRuns)[] = [];
  /** So many from the front are finished, and how many runs they are. */
  #ready = 0;
  #readyRuns = 0;
  #crc = 0;
  #began = false;
  readonly #findings: unknown[] = [];
  /** Of runs that wait; most have none. */
  #found: Map<number, readonly unknown[]> | null = null;
  readonly #table: RunTable;

  constructor(file: NewFile, table: RunTable) {
    this.file = file;
    this.#table = table;
  }

  /** The number under which the run's outcome is to be given, once. */
  beginRun(): number {
    this.#table.waiting++;
    const row = this.#table.begin();
    this.#runs.push(row);
    return row;
  }

  finishZeros(run: number, lengthBytes: number): void {
    this.#table.finishZeros(run, lengthBytes);
  }

  finishRun(
    run: number,
    place: RunPlace,
    sum: { readonly lengthBytes: number; readonly crc32c: number },
    known: { readonly fingerprint: Uint8Array | null; readonly findings: readonly unknown[] },
  ): void {
    if (known.findings.length > 0) {
      this.#found ??= new Map();
      this.#found.set(run, known.findings);
    }
    this.#table.finish(run, place, sum, known.fingerprint);
  }

  /** Runs that are finished from the beginning: the parent's, as they are. */
  addCarried(runs: CarriedRuns): void {
    this.#table.waiting += runs.to - runs.from;
    this.#runs.push(runs);
  }

  /** Writes what is finished from the front; true when the file is complete. */
  flushTo(manifest: ManifestWriter): boolean {
    if (!this.#began) manifest.beginFile(this.file);
    this.#began = true;
    for (; this.#isFinished(this.#runs[this.#ready]); this.#ready++)
      this.#readyRuns += countOf(this.#runs[this.#ready]);
    const complete = this.ended && this.#ready === this.#runs.length;
    // Some runs make a record worth its head; a file is written in pieces so that it need not fit into memory.
    if (!complete && this.#readyRuns < extentsPerRecord) return false;
    while (this.#ready > 0) this.#writeRecord(manifest);
    if (complete) manifest.endFile(this.#crc);
    return complete;
  }

  get result(): FileResult {
    return { crc32c: this.#crc, findings: this.#findings };
  }

  #isFinished(run: number | CarriedRuns | undefined): boolean {
    return typeof run === "number" ? this.#table.isFinished(run) : run !== undefined;
  }

  /** A record's worth of what is ready. */
  #writeRecord(manifest: ManifestWriter): void {
    const recorded: (OwnRuns | CarriedRuns)[] = [];
    let rows: number[] | null = null;
    let room = extentsPerRecord;
    let slots = 0;
    for (; slots < this.#ready && room > 0; slots++) {
      const run = this.#runs[slots];
      if (run === undefined) break;
      if (typeof run === "number") {
        room--;
        if (rows === null) {
          rows = [];
          recorded.push({ runs: this.#table, rows });
        }
        this.#account(run, rows);
        continue;
      }
      rows = null;
      const to = Math.min(run.to, run.from + room);
      room -= to - run.from;
      recorded.push({ ...run, to });
      this.#addCrcs(run.table, run.from, to);
      if (to === run.to) continue;
      this.#runs[slots] = { ...run, from: to };
      break;
    }
    this.#runs.splice(0, slots);
    this.#ready -= slots;
    this.#readyRuns -= extentsPerRecord - room;
    this.#table.waiting -= extentsPerRecord - room;
    manifest.addExtents(recorded);
    for (const one of recorded) if ("rows" in one) for (const row of one.rows) this.#table.release(row);
  }

  /** Zeros that follow each other become one extent. */
  #account(row: number, rows: number[]): void {
    const table = this.#table;
    const lengthBytes = table.lengthOf(row);
    const last = rows.at(-1);
    if (!table.isZeros(row)) {
      this.#crc = combineCrc32c(this.#crc, table.crcOf(row), lengthBytes);
      const findings = this.#found?.get(row);
      if (findings !== undefined) {
        this.#found?.delete(row);
        for (const finding of findings) this.#findings.push(finding);
      }
    } else {
      this.#crc = combineCrc32c(this.#crc, crcOfZeros(lengthBytes), lengthBytes);
      if (last !== undefined && table.isZeros(last)) {
        table.finishZeros(last, table.lengthOf(last) + lengthBytes);
        table.release(row);
        return;
      }
    }
    rows.push(row);
  }

  #addCrcs(table: ExtentTable, from: number, to: number): void {
    for (let index = from; index < to; index++) {
      this.#crc = combineCrc32c(this.#crc, table.crcOf(index), table.endOf(index) - table.beginOf(index));
    }
  }
}

function countOf(run: number | CarriedRuns | undefined): number {
  return typeof run === "object" ? run.to - run.from : 1;
}

/** Entries in the order they were given, written to the manifest as far as they are finished. */
export class EntryQueue {
  readonly #manifest: ManifestWriter;
  readonly #runs = new RunTable();
  #entries: (PendingFile | (() => void))[] = [];
  #waiting: (() => void)[] = [];

  constructor(manifest: ManifestWriter) {
    this.#manifest = manifest;
  }

  get length(): number {
    return this.#entries.length;
  }

  get waitingRuns(): number {
    return this.#runs.waiting;
  }

  addFile(file: NewFile): PendingFile {
    const pending = new PendingFile(file, this.#runs);
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

const zeros = new Uint8Array(frameBytes);

/** Compares in native code and stops at the first byte that is not zero. At most a frame. */
export function isAllZeros(bytes: Uint8Array): boolean {
  // A page that is used begins with its LSN.
  for (let at = 0; at < 8 && at < bytes.length; at++) if (bytes[at] !== 0) return false;
  return Buffer.compare(bytes, zeros.subarray(0, bytes.length)) === 0;
}

const fullFrameOfZerosCrc = crc32cOfZeros(frameBytes);

export function crcOfZeros(lengthBytes: number): number {
  return lengthBytes === frameBytes ? fullFrameOfZerosCrc : crc32cOfZeros(lengthBytes);
}
