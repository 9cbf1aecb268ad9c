import { AppError, type Clock, formatBytes } from "@tidemark/kit";
import {
  type BackupLabel,
  type BaseBackupEvent,
  formatLsn,
  type ManifestFacts,
  type PgControl,
  parseBackupLabel,
  parsePgControl,
  withoutIncrementalLines,
} from "@tidemark/postgres";
import type { BackupWalRange, BackupWriter, SuspectPages, YoungPages } from "@tidemark/repository";
import { type ActControl, ProgressMeter, reachStep, throwIfCancelled } from "../act.ts";
import { IncomingFiles } from "./incoming-files.ts";
import type { IncrementalCopy } from "./incremental-copy.ts";
import type { PageLayout } from "./page-inspection.ts";
import { ManifestComparison, ReceivedFiles } from "./received-files.ts";
import { SuspectList } from "./suspect-list.ts";
import { WalCoverage, type WalIdentity } from "./wal-coverage.ts";
import { YoungList } from "./young-pages.ts";

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
  /** As it is stored: that of a full backup. */
  readonly labelText: string;
  readonly tablespaceMap: string;
  readonly control: PgControl;
  readonly suspectPages: readonly SuspectPages[];
  readonly notes: readonly string[];
  /** Of the server's own manifest, or what it would say; null where that is not known. */
  readonly walRanges: readonly BackupWalRange[] | null;
  /** See `BackupFacts.youngPages`. */
  readonly youngPages: YoungPages | null;
}

export interface ReceiverParts {
  readonly writer: BackupWriter;
  readonly source: SourceFacts;
  readonly control: ActControl;
  readonly clock: Clock;
  /** Called when the server has sent its data and begins to stop the backup. */
  readonly onStopping: () => void;
  /** Null for a copy of everything. */
  readonly increments: IncrementalCopy | null;
}

/**
 * Writes a base backup's stream into the repository and checks it: every file against the server's manifest, the WAL
 * against what recovery needs, the pages against their checksums. Memory does not depend on the sizes of files.
 */
export class BackupReceiver {
  readonly #parts: ReceiverParts;
  readonly #progress: ProgressMeter;
  readonly #received = new ReceivedFiles();
  readonly #coverage: WalCoverage;
  readonly #comparison: ManifestComparison;
  readonly #suspects: SuspectList;
  /** Null before 17, where nothing is built on a backup. */
  readonly #young: YoungList | null;
  readonly #notes: string[] = [];
  #start: Extract<BaseBackupEvent, { kind: "start" }> | null = null;
  #files: IncomingFiles | null = null;
  #manifest: ManifestFacts | null = null;
  #manifestBegun = false;
  #doneBytes = 0n;
  #middleReached = false;

  constructor(parts: ReceiverParts) {
    this.#parts = parts;
    this.#progress = new ProgressMeter(parts.control, parts.clock, null);
    this.#suspects = new SuspectList(parts.control);
    this.#young = parts.source.major < 17 ? null : new YoungList();
    this.#coverage = new WalCoverage(parts.source);
    this.#comparison = new ManifestComparison(this.#received);
  }

  /** Takes the events to their end, which come in portions (`BaseBackupStream.turns`). */
  async receive(turns: AsyncIterable<Iterable<BaseBackupEvent>>): Promise<ReceivedBackup> {
    let end: Extract<BaseBackupEvent, { kind: "end" }> | null = null;
    for await (const turn of turns) {
      for (const event of turn) {
        throwIfCancelled(this.#parts.control.signal);
        if (event.kind === "end") end = event;
        else {
          // Most bytes only fill a frame further: nothing is to be waited for.
          const taken = this.#take(event);
          if (taken !== undefined) await taken;
        }
      }
    }
    if (end === null) throw damaged("the stream ended without the backup's end");
    this.#progress.finish();
    return this.#conclude(end);
  }

  #take(event: Exclude<BaseBackupEvent, { kind: "end" }>): Promise<void> | undefined {
    const { writer } = this.#parts;
    switch (event.kind) {
      case "start":
        return this.#begin(event);
      case "archive-begin":
        return undefined;
      case "directory":
        return writer.addDirectory({ path: event.path.slice(), mode: event.mode });
      case "symlink":
        return writer.addSymlink({ path: event.path.slice(), target: Buffer.from(event.target).toString("utf8") });
      case "file-begin":
        return this.#nextFile((files) => files.begin(event));
      case "increment-begin":
        if (this.#parts.increments === null) throw damaged("an increment came that was not asked for");
        return this.#nextFile((files) => files.beginIncrement(event));
      case "file-data":
        return this.#openFile().write(event.chunk);
      case "file-end":
        return this.#endFile();
      case "increment-end":
        return this.#openFile().endIncrement(event.sentCrc32c);
      case "manifest-data":
        return this.#takeManifest(event.chunk);
      case "manifest-end":
        this.#manifest = this.#comparison.finish();
        return undefined;
      case "progress":
        return this.#advance(event.doneBytes);
    }
  }

  async #begin(event: Extract<BaseBackupEvent, { kind: "start" }>): Promise<void> {
    const { control, writer, source, increments } = this.#parts;
    this.#start = event;
    this.#progress.totalBytes = event.estimatedBytes;
    const size = event.estimatedBytes === null ? "" : `, about ${formatBytes(event.estimatedBytes)}`;
    const what = increments === null ? "copying" : "copying what changed,";
    control.emit({ kind: "phase", phase: "copying", message: `${what} from ${formatLsn(event.startLsn)}${size}` });
    // How much there is to do is known before the first of it has come.
    this.#progress.add(0);
    await increments?.begin({ timeline: event.timeline, lsn: event.startLsn });
    const parts = { received: this.#received, coverage: this.#coverage, suspects: this.#suspects, young: this.#young };
    this.#files = new IncomingFiles({ writer, layout: source, startLsn: event.startLsn, increments, ...parts });
  }

  #advance(doneBytes: bigint): Promise<void> | undefined {
    this.#parts.writer.addSentBytes(Number(doneBytes - this.#doneBytes));
    this.#progress.add(doneBytes - this.#doneBytes);
    this.#doneBytes = doneBytes;
    const expected = this.#start?.estimatedBytes ?? 0n;
    if (this.#middleReached || doneBytes * 2n < expected) return undefined;
    return this.#reachMiddle();
  }

  async #reachMiddle(): Promise<void> {
    this.#middleReached = true;
    await reachStep(this.#parts.control, "backup:before-middle-file");
  }

  async #nextFile(begin: (files: IncomingFiles) => Promise<void>): Promise<void> {
    if (this.#files === null) throw damaged("a file came before the backup's start");
    if (this.#received.count === 0) await reachStep(this.#parts.control, "backup:before-first-file");
    await begin(this.#files);
  }

  #openFile(): IncomingFiles {
    if (this.#files?.isOpen !== true) throw damaged("bytes came outside a file");
    return this.#files;
  }

  async #endFile(): Promise<void> {
    const path = await this.#openFile().end();
    if (path === "standby.signal") this.#notes.push(standbySignalNote);
    // The last file before the server stops the backup (basebackup.c, perform_base_backup).
    if (path === "global/pg_control") this.#parts.onStopping();
  }

  /** The checksums of the last small files are known only once all is encoded, hence the drain before the first line. */
  async #takeManifest(chunk: Uint8Array): Promise<void> {
    const { writer, control } = this.#parts;
    writer.addSentBytes(chunk.length);
    if (this.#manifestBegun) return this.#comparison.push(chunk);
    this.#manifestBegun = true;
    const message = "comparing what arrived with the server's manifest";
    control.emit({ kind: "phase", phase: "verifying-manifest", message });
    const copy = chunk.slice();
    // The middle by the estimate of everything is never reached where little changed.
    if (!this.#middleReached) await this.#reachMiddle();
    await writer.drain();
    await reachStep(control, "backup:before-manifest-check");
    this.#comparison.push(copy);
  }

  #conclude(end: Extract<BaseBackupEvent, { kind: "end" }>): ReceivedBackup {
    const { source, increments } = this.#parts;
    const start = this.#start;
    if (start === null || this.#manifest === null) throw damaged("the start or the manifest is missing");
    const control = parsePgControl(this.#keptFile("global/pg_control"));
    if (control.systemIdentifier !== source.systemIdentifier) throw damaged("pg_control is of another cluster");
    const { systemIdentifier, walRanges } = this.#manifest;
    if (systemIdentifier !== null && systemIdentifier !== control.systemIdentifier)
      throw damaged("the manifest is of another cluster");
    this.#coverage.assertCovers(walRanges, start.startLsn, end.stopLsn);
    const sentLabel = this.#keptFile("backup_label");
    const label = parseBackupLabel(Buffer.from(sentLabel).toString("utf8"));
    if (label.startLsn !== start.startLsn) throw damaged("backup_label names another start than the server announced");
    increments?.assertLabel(label);
    return {
      startLsn: start.startLsn,
      timeline: start.timeline,
      stopLsn: end.stopLsn,
      stopTimeline: end.stopTimeline,
      tablespaces: start.tablespaces.map(({ oid, path }) => ({ oid, path })),
      label,
      labelText: Buffer.from(withoutIncrementalLines(sentLabel)).toString("utf8"),
      tablespaceMap: Buffer.from(this.#files?.kept("tablespace_map") ?? new Uint8Array(0)).toString("utf8"),
      control,
      suspectPages: this.#suspects.pages,
      notes: [...this.#notes, ...this.#suspects.notes],
      walRanges,
      youngPages: this.#young?.pages ?? null,
    };
  }

  #keptFile(path: string): Uint8Array {
    const bytes = this.#files?.kept(path) ?? null;
    if (bytes === null) throw damaged(`${path} was not sent`);
    return bytes;
  }
}

/** Said of every backup that holds a standby.signal. */
export const standbySignalNote = "the server is a standby; standby.signal is restored only when asked for";

export function damaged(why: string): AppError {
  return new AppError("backup-stream-damaged", {
    message: `the server's copy cannot be used: ${why}`,
    hint: "it was given up; earlier backups are untouched",
  });
}
