import { AppError, type Clock, formatBytes } from "@tidemark/kit";
import {
  type BackupLabel,
  type BaseBackupEvent,
  formatLsn,
  type ManifestFacts,
  type PgControl,
  parseBackupLabel,
  parsePgControl,
} from "@tidemark/postgres";
import type { BackupWriter, FileResult, FileWriter, SuspectPages } from "@tidemark/repository";
import { type ActControl, ProgressMeter, reachStep, throwIfCancelled } from "../act.ts";
import { type PageLayout, pageInspectionOf } from "./page-inspection.ts";
import { isWalSegment, ManifestComparison, ReceivedFiles } from "./received-files.ts";
import { SuspectList } from "./suspect-list.ts";
import { WalCoverage, type WalIdentity, walHeaderBytes } from "./wal-coverage.ts";

/** What is known of the server before the copy begins. */
export interface SourceFacts extends WalIdentity, PageLayout {
  readonly checksumsEnabled: boolean;
}

/** What the stream itself told; every field was checked against what arrived. */
export interface ReceivedBackup {
  readonly startLsn: bigint;
  readonly timeline: number;
  readonly stopLsn: bigint;
  readonly stopTimeline: number;
  readonly tablespaces: readonly { readonly oid: number; readonly path: string }[];
  readonly label: BackupLabel;
  readonly labelText: string;
  readonly tablespaceMap: string;
  readonly control: PgControl;
  readonly suspectPages: readonly SuspectPages[];
  readonly notes: readonly string[];
}

/**
 * Writes a base backup's stream into the repository and checks it: every file against the server's manifest, the WAL
 * against what recovery needs, the pages against their checksums. Memory does not depend on the sizes of files.
 */
export class BackupReceiver {
  readonly #writer: BackupWriter;
  readonly #source: SourceFacts;
  readonly #control: ActControl;
  readonly #progress: ProgressMeter;
  readonly #onStopping: () => void;
  readonly #received = new ReceivedFiles();
  readonly #coverage: WalCoverage;
  readonly #comparison: ManifestComparison;
  readonly #suspects: SuspectList;
  readonly #notes: string[] = [];
  /** Whole contents of the few small files we read ourselves. */
  readonly #kept = new Map<string, Uint8Array>();
  #start: Extract<BaseBackupEvent, { kind: "start" }> | null = null;
  #manifest: ManifestFacts | null = null;
  #manifestBegun = false;
  #file: OpenFile | null = null;
  #doneBytes = 0n;
  #middleReached = false;

  /** `onStopping` is called when the server has sent its data and begins to stop the backup. */
  constructor(
    writer: BackupWriter,
    source: SourceFacts,
    control: ActControl,
    clock: Clock,
    onStopping: () => void = () => undefined,
  ) {
    this.#writer = writer;
    this.#source = source;
    this.#control = control;
    this.#onStopping = onStopping;
    this.#progress = new ProgressMeter(control, clock, null);
    this.#suspects = new SuspectList(control);
    this.#coverage = new WalCoverage(source);
    this.#comparison = new ManifestComparison(this.#received);
  }

  /** Takes the events to their end. */
  async receive(events: AsyncIterable<BaseBackupEvent>): Promise<ReceivedBackup> {
    let end: Extract<BaseBackupEvent, { kind: "end" }> | null = null;
    for await (const event of events) {
      throwIfCancelled(this.#control.signal);
      if (event.kind === "end") end = event;
      else await this.#take(event);
    }
    if (end === null) throw damaged("the stream ended without the backup's end");
    this.#progress.finish();
    return this.#conclude(end);
  }

  async #take(event: Exclude<BaseBackupEvent, { kind: "end" }>): Promise<void> {
    switch (event.kind) {
      case "start":
        return this.#begin(event);
      case "archive-begin":
        return;
      case "directory":
        return this.#writer.addDirectory({ path: event.path.slice(), mode: event.mode });
      case "symlink":
        return this.#writer.addSymlink({
          path: event.path.slice(),
          target: Buffer.from(event.target).toString("utf8"),
        });
      case "file-begin":
        return this.#beginFile(event);
      case "file-data":
        return this.#writeFile(event.chunk);
      case "file-end":
        return this.#endFile();
      case "manifest-data":
        return this.#takeManifest(event.chunk);
      case "manifest-end":
        this.#manifest = this.#comparison.finish();
        return;
      case "progress":
        return this.#advance(event.doneBytes);
    }
  }

  #begin(event: Extract<BaseBackupEvent, { kind: "start" }>): void {
    this.#start = event;
    this.#progress.totalBytes = event.estimatedBytes;
    const size = event.estimatedBytes === null ? "" : `, about ${formatBytes(event.estimatedBytes)}`;
    this.#control.emit({
      kind: "phase",
      phase: "copying",
      message: `copying from ${formatLsn(event.startLsn)}${size}`,
    });
    // How much there is to do is known before the first of it has come.
    this.#progress.add(0);
  }

  async #advance(doneBytes: bigint): Promise<void> {
    this.#progress.add(doneBytes - this.#doneBytes);
    this.#doneBytes = doneBytes;
    const expected = this.#start?.estimatedBytes ?? 0n;
    if (this.#middleReached || doneBytes * 2n < expected) return;
    this.#middleReached = true;
    await reachStep(this.#control, "backup:before-middle-file");
  }

  async #beginFile(event: Extract<BaseBackupEvent, { kind: "file-begin" }>): Promise<void> {
    if (this.#start === null) throw damaged("a file came before the backup's start");
    if (this.#received.count === 0) await reachStep(this.#control, "backup:before-first-file");
    const path = event.path.slice();
    const index = this.#received.add(path, event.sizeBytes);
    const text = Buffer.from(path).toString("utf8");
    const inspect = this.#source.checksumsEnabled ? pageInspectionOf(path, this.#source, this.#start.startLsn) : null;
    const writer = await this.#writer.addFile({
      path,
      mode: event.mode,
      sizeBytes: BigInt(event.sizeBytes),
      modifiedAt: event.modifiedAt,
      ...(inspect === null ? {} : { inspect }),
      onResult: (result) => this.#noteResult(index, text, result),
    });
    const keepBytes = keptFiles.has(text) ? keptFileLimit : isWalSegment(path) ? walHeaderBytes : 0;
    this.#file = { text, writer, sizeBytes: event.sizeBytes, keepBytes, kept: [], keptBytes: 0 };
    if (text === "standby.signal") this.#notes.push(standbySignalNote);
  }

  async #writeFile(chunk: Uint8Array): Promise<void> {
    const file = this.#file;
    if (file === null) throw damaged("bytes came outside a file");
    if (file.keptBytes < file.keepBytes) {
      const piece = chunk.slice(0, file.keepBytes - file.keptBytes);
      file.kept.push(piece);
      file.keptBytes += piece.length;
    }
    await file.writer.write(chunk);
  }

  async #endFile(): Promise<void> {
    const file = this.#file;
    if (file === null) throw damaged("a file ended that had not begun");
    this.#file = null;
    await file.writer.end();
    const kept = Buffer.concat(file.kept);
    // The last file before the server stops the backup (basebackup.c, perform_base_backup).
    if (file.text === "global/pg_control") this.#onStopping();
    if (keptFiles.has(file.text)) this.#kept.set(file.text, kept);
    else if (file.keepBytes > 0) this.#coverage.add(file.text.slice("pg_wal/".length), file.sizeBytes, kept);
  }

  /** The checksums of the last small files are known only once all is encoded, hence the drain before the first line. */
  async #takeManifest(chunk: Uint8Array): Promise<void> {
    if (!this.#manifestBegun) {
      this.#manifestBegun = true;
      this.#control.emit({
        kind: "phase",
        phase: "verifying-manifest",
        message: "comparing what arrived with the server's manifest",
      });
      const copy = chunk.slice();
      await this.#writer.drain();
      await reachStep(this.#control, "backup:before-manifest-check");
      this.#comparison.push(copy);
      return;
    }
    this.#comparison.push(chunk);
  }

  #noteResult(index: number, path: string, result: FileResult): void {
    this.#received.setCrc(index, result.crc32c);
    this.#suspects.add(
      path,
      result.findings.filter((finding) => typeof finding === "number"),
    );
  }

  #conclude(end: Extract<BaseBackupEvent, { kind: "end" }>): ReceivedBackup {
    const start = this.#start;
    if (start === null || this.#manifest === null) throw damaged("the start or the manifest is missing");
    const control = parsePgControl(this.#keptFile("global/pg_control"));
    if (control.systemIdentifier !== this.#source.systemIdentifier) throw damaged("pg_control is of another cluster");
    const { systemIdentifier } = this.#manifest;
    if (systemIdentifier !== null && systemIdentifier !== control.systemIdentifier)
      throw damaged("the manifest is of another cluster");
    this.#coverage.assertCovers(this.#manifest.walRanges, start.startLsn, end.stopLsn);
    const labelText = Buffer.from(this.#keptFile("backup_label")).toString("utf8");
    const label = parseBackupLabel(labelText);
    if (label.startLsn !== start.startLsn) throw damaged("backup_label names another start than the server announced");
    return {
      startLsn: start.startLsn,
      timeline: start.timeline,
      stopLsn: end.stopLsn,
      stopTimeline: end.stopTimeline,
      tablespaces: start.tablespaces.map(({ oid, path }) => ({ oid, path })),
      label,
      labelText,
      tablespaceMap: Buffer.from(this.#kept.get("tablespace_map") ?? new Uint8Array(0)).toString("utf8"),
      control,
      suspectPages: this.#suspects.pages,
      notes: [...this.#notes, ...this.#suspects.notes],
    };
  }

  #keptFile(path: string): Uint8Array {
    const bytes = this.#kept.get(path);
    if (bytes === undefined) throw damaged(`${path} was not sent`);
    return bytes;
  }
}

interface OpenFile {
  readonly text: string;
  readonly writer: FileWriter;
  readonly sizeBytes: number;
  readonly keepBytes: number;
  readonly kept: Uint8Array[];
  keptBytes: number;
}

/** Said of every backup that holds a standby.signal. */
export const standbySignalNote = "the server is a standby; standby.signal is restored only when asked for";

export function damaged(why: string): AppError {
  return new AppError("backup-stream-damaged", {
    message: `the server's copy cannot be used: ${why}`,
    hint: "it was given up; earlier backups are untouched",
  });
}

const keptFiles: ReadonlySet<string> = new Set(["backup_label", "tablespace_map", "global/pg_control"]);
/** Far above any real one: a label of 1 KiB, a tablespace map of a few lines, a pg_control of 8 KiB. */
const keptFileLimit = 1024 * 1024;
