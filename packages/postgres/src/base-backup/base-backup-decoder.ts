import { AppError } from "@tidemark/kit";
import { type Lsn, parseLsn } from "../files/lsn.ts";
import type { Capabilities } from "../session/capabilities.ts";
import { type BackendMessage, Cursor } from "../wire/backend-messages.ts";
import type { BackupTablespace, BaseBackupEvent } from "./base-backup-events.ts";
import { memberPath } from "./member-path.ts";
import { type TarMember, TarReader } from "./tar-reader.ts";

/** One archive the server announced; the data directory's has no OID and no path. */
interface Archive {
  readonly oid: number | null;
  readonly path: string;
  readonly sizeKib: bigint | null;
}

type Row = readonly (Uint8Array | null)[];

/**
 * Turns the server's answers to BASE_BACKUP into events. No I/O: push a message, take events until there is none, push
 * the next. Errors of the server are not its business: whoever receives messages throws those.
 *
 * States: `start` (one row) → `archives` (a row each) → `copy` → `stop` (one row) → `closing` →
 * `closed` → `done`. In `copy` the
 * server of 13/14 opens one COPY per archive, in the order of the rows, and one more for the manifest; that of 15+ opens
 * one COPY in which the first byte of each message tells what it is.
 */
export class BaseBackupDecoder {
  readonly #capabilities: Capabilities;
  #state: "start" | "archives" | "copy" | "stop" | "closing" | "closed" | "done" = "start";
  #startRow: { readonly lsn: Lsn; readonly timeline: number } | null = null;
  #stopRow: { readonly lsn: Lsn; readonly timeline: number } | null = null;
  readonly #announced: Archive[] = [];
  /** How many archives were begun; in 13/14 also which comes next. */
  readonly #begun = new Set<number | null>();
  /** Between the begin and the end of a COPY. */
  #isCopying = false;
  #archive: Archive | null = null;
  #isManifest = false;
  #hasManifest = false;
  #tar = new TarReader();
  #doneBytes = 0n;
  #reportedBytes = 0n;
  /** Events that are ready; while it is empty the tar reader is asked. */
  readonly #ready: BaseBackupEvent[] = [];

  constructor(capabilities: Capabilities) {
    this.#capabilities = capabilities;
  }

  /** The next event, or null when another message is needed. */
  next(): BaseBackupEvent | null {
    const ready = this.#ready.shift();
    if (ready !== undefined) return ready;
    if (this.#archive === null) return null;
    const event = this.#tar.next();
    if (event === null) {
      if (this.#doneBytes - this.#reportedBytes < progressStepBytes) return null;
      return this.#progress();
    }
    switch (event.kind) {
      case "data":
        return { kind: "file-data", chunk: event.chunk };
      case "member-end":
        return { kind: "file-end" };
      case "member":
        return memberEvent(event.member, this.#archive.oid);
    }
  }

  /**
   * Takes a message; only when `next` returned null.
   *
   * @throws AppError `backup-stream-damaged` when it does not belong here, `backup-member-refused`.
   */
  push(message: BackendMessage): void {
    switch (message.kind) {
      case "row-description":
        break;
      case "data-row":
        this.#takeRow(message.values);
        break;
      case "command-complete":
        this.#endResult();
        break;
      case "copy-out":
        this.#beginCopy();
        break;
      case "copy-data":
        this.#takeCopyData(message.payload);
        break;
      case "copy-done":
        this.#endCopy();
        break;
      case "ready":
        this.#finish();
        break;
      default:
        throw damaged(`a message (${message.kind}) does not belong into a base backup`);
    }
  }

  #takeRow(values: Row): void {
    if (this.#state === "start" && this.#startRow === null) this.#startRow = parsePosition(values);
    else if (this.#state === "archives") this.#announced.push(parseArchive(values));
    else if (this.#state === "stop" && this.#stopRow === null) this.#stopRow = parsePosition(values);
    else throw damaged("a row comes where none is due");
  }

  #endResult(): void {
    if (this.#state === "start" && this.#startRow !== null) this.#state = "archives";
    else if (this.#state === "archives") this.#announceStart(this.#startRow);
    else if (this.#state === "stop" && this.#stopRow !== null) this.#state = "closing";
    else if (this.#state === "closing") this.#state = "closed";
    else throw damaged("a result ends where none was begun");
  }

  #announceStart(start: { readonly lsn: Lsn; readonly timeline: number } | null): void {
    const bases = this.#announced.filter(({ oid }) => oid === null);
    if (start === null || bases.length !== 1) throw damaged("the data directory was not announced once");
    const sizes = this.#announced.map(({ sizeKib }) => sizeKib);
    const tablespaces = this.#announced.flatMap(({ oid, path, sizeKib }): BackupTablespace[] =>
      oid === null ? [] : [{ oid, path, sizeKib }],
    );
    this.#ready.push({
      kind: "start",
      startLsn: start.lsn,
      timeline: start.timeline,
      tablespaces,
      estimatedBytes: sizes.includes(null) ? null : sizes.reduce((sum: bigint, size) => sum + (size ?? 0n), 0n) * 1024n,
    });
    this.#state = "copy";
  }

  #beginCopy(): void {
    if (this.#state !== "copy" || this.#isCopying) throw damaged("a copy begins where none is due");
    this.#isCopying = true;
    if (this.#capabilities.baseBackupCopies === "single") return;
    const next = this.#announced[this.#begun.size];
    if (next !== undefined) this.#beginArchive(next);
    else if (!this.#hasManifest) this.#beginManifest();
    else throw damaged("there are more copies than archives");
  }

  #takeCopyData(payload: Uint8Array): void {
    if (!this.#isCopying) throw damaged("copied data comes where none is due");
    if (this.#capabilities.baseBackupCopies === "single") this.#takeTyped(payload);
    else this.#takeContents(payload);
  }

  /** The messages of 15+, by their first byte (src/backend/backup/basebackup_copy.c). */
  #takeTyped(payload: Uint8Array): void {
    switch (String.fromCharCode(payload[0] ?? 0)) {
      case "d":
        this.#takeContents(payload.subarray(1));
        break;
      case "n":
        this.#endContents();
        this.#beginArchive(this.#announcedAs(new Cursor(payload.subarray(1)).text()));
        break;
      case "m":
        this.#endContents();
        this.#beginManifest();
        break;
      case "p":
        // The same count as ours, in larger steps.
        break;
      default:
        throw damaged("a copied message is of an unknown kind");
    }
  }

  #announcedAs(name: string): Archive {
    const archive = this.#announced.find(({ oid }) => name === (oid === null ? "base.tar" : `${oid}.tar`));
    if (archive === undefined) throw archiveRefused(name);
    return archive;
  }

  #beginArchive(archive: Archive): void {
    if (this.#begun.has(archive.oid)) throw damaged("an archive comes twice");
    this.#begun.add(archive.oid);
    this.#archive = archive;
    this.#tar = new TarReader();
    this.#ready.push({ kind: "archive-begin", oid: archive.oid });
  }

  #beginManifest(): void {
    if (this.#hasManifest) throw damaged("the manifest comes twice");
    this.#hasManifest = true;
    this.#isManifest = true;
  }

  #takeContents(bytes: Uint8Array): void {
    if (this.#archive !== null) {
      this.#doneBytes += BigInt(bytes.length);
      this.#tar.push(bytes);
    } else if (this.#isManifest) {
      this.#ready.push({ kind: "manifest-data", chunk: bytes });
    } else {
      throw damaged("data comes outside of any archive");
    }
  }

  #endCopy(): void {
    if (!this.#isCopying) throw damaged("a copy ends where none was begun");
    this.#isCopying = false;
    this.#endContents();
    if (this.#hasManifest && this.#begun.size === this.#announced.length) this.#state = "stop";
    else if (this.#capabilities.baseBackupCopies === "single") throw damaged("an archive or the manifest is missing");
  }

  #endContents(): void {
    if (this.#archive !== null) {
      this.#tar.finish();
      this.#archive = null;
      this.#ready.push(this.#progress());
    } else if (this.#isManifest) {
      this.#isManifest = false;
      this.#ready.push({ kind: "manifest-end" });
    }
  }

  #progress(): BaseBackupEvent {
    this.#reportedBytes = this.#doneBytes;
    return { kind: "progress", doneBytes: this.#doneBytes };
  }

  /** Only now is it a backup: the server stopped it, told where, and had no error. */
  #finish(): void {
    if (this.#state !== "closed" || this.#stopRow === null) throw damaged("it ends before it is complete");
    this.#state = "done";
    this.#ready.push({ kind: "end", stopLsn: this.#stopRow.lsn, stopTimeline: this.#stopRow.timeline });
  }
}

/** Small, since a rate may be limited to 32 KiB/s (BASE_BACKUP's MAX_RATE); who shows progress bounds how often. */
const progressStepBytes = 128n << 10n;

function memberEvent(member: TarMember, oid: number | null): BaseBackupEvent {
  const path = memberPath(member.name, oid);
  const { mode, modifiedAt, sizeBytes, target } = member;
  switch (member.type) {
    case "file":
      return { kind: "file-begin", path, mode, sizeBytes, modifiedAt };
    case "directory":
      return { kind: "directory", path, mode, modifiedAt };
    case "symlink":
      return { kind: "symlink", path, target, mode };
  }
}

function parsePosition(values: Row): { readonly lsn: Lsn; readonly timeline: number } {
  const [lsn, timeline] = values;
  try {
    return { lsn: parseLsn(text(lsn)), timeline: integer(timeline) };
  } catch (cause) {
    throw damaged("a position is malformed", cause);
  }
}

function parseArchive([oid, path, sizeKib]: Row): Archive {
  return {
    oid: oid === null || oid === undefined ? null : integer(oid),
    path: path === null || path === undefined ? "" : text(path),
    sizeKib: sizeKib === null || sizeKib === undefined ? null : BigInt(integer(sizeKib)),
  };
}

function text(value: Uint8Array | null | undefined): string {
  return Buffer.from(value ?? new Uint8Array(0)).toString("utf8");
}

function integer(value: Uint8Array | null | undefined): number {
  const digits = text(value);
  if (!/^\d{1,15}$/.test(digits)) throw damaged(`"${digits}" is not a number`);
  return Number(digits);
}

function archiveRefused(name: string): AppError {
  return new AppError("backup-member-refused", {
    message: `the server sent an archive named ${JSON.stringify(name)}, which it had not announced`,
    hint: "a genuine PostgreSQL server does not; nothing was written under that name",
  });
}

function damaged(why: string, cause?: unknown): AppError {
  return new AppError("backup-stream-damaged", {
    message: `the base backup the server sends makes no sense: ${why}`,
    hint: "nothing was kept of this copy; take the backup again",
    cause,
  });
}
