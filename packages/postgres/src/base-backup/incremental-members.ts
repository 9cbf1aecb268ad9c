import { AppError, crc32c } from "@tidemark/kit";
import { parseRelationPath } from "../files/relation-file.ts";
import type { BaseBackupEvent } from "./base-backup-events.ts";
import { IncrementalHeaderReader, type RelationLayout } from "./incremental-header.ts";

type FileBegin = Extract<BaseBackupEvent, { kind: "file-begin" }>;

/**
 * Turns the files named `INCREMENTAL.<name>` of an incremental copy into `increment-begin`, `file-data` with their
 * blocks, and `increment-end`. Everything else passes through. No I/O: give it each event, take what it becomes.
 *
 * A file of somebody's that happens to begin with `INCREMENTAL.` passes through, too, unless what follows names a
 * relation; then its contents decide, and what is no increment is refused.
 */
export class IncrementalMembers {
  readonly #layout: RelationLayout;
  #open: OpenIncrement | null = null;

  constructor(layout: RelationLayout) {
    this.#layout = layout;
  }

  /**
   * The chunk of a `file-data` is a window on the one that was given.
   *
   * @throws AppError `backup-stream-damaged` for an increment no server would have written.
   */
  take(event: BaseBackupEvent): readonly BaseBackupEvent[] {
    if (event.kind === "file-begin") return this.#begin(event);
    const open = this.#open;
    if (open === null) return [event];
    if (event.kind === "file-data") return this.#data(open, event.chunk);
    if (event.kind !== "file-end") return [event];
    this.#open = null;
    if (!open.isAnnounced) throw truncated();
    return [{ kind: "increment-end", sentCrc32c: open.crc }];
  }

  #begin(event: FileBegin): readonly BaseBackupEvent[] {
    const path = incrementedPath(event.path);
    if (path === null) return [event];
    // The name is a window on a buffer that is read into again before the header is complete.
    const begin = { ...event, path: event.path.slice() };
    const reader = new IncrementalHeaderReader(event.sizeBytes, this.#layout);
    this.#open = { begin, path, reader, crc: 0, isAnnounced: false };
    return [];
  }

  #data(open: OpenIncrement, chunk: Uint8Array): readonly BaseBackupEvent[] {
    open.crc = crc32c(chunk, open.crc);
    if (open.isAnnounced) return [{ kind: "file-data", chunk }];
    const taken = open.reader.push(chunk);
    if (!open.reader.isComplete) return [];
    open.isAnnounced = true;
    const { mode, modifiedAt, sizeBytes, path: sentPath } = open.begin;
    const header = open.reader.header();
    const begin = {
      kind: "increment-begin",
      path: open.path,
      sentPath,
      sentBytes: sizeBytes,
      mode,
      modifiedAt,
      header,
    };
    const rest = chunk.subarray(taken);
    return rest.length === 0
      ? [begin as BaseBackupEvent]
      : [begin as BaseBackupEvent, { kind: "file-data", chunk: rest }];
  }
}

interface OpenIncrement {
  readonly begin: FileBegin;
  readonly path: Uint8Array;
  readonly reader: IncrementalHeaderReader;
  crc: number;
  isAnnounced: boolean;
}

/** The relation's file that `…/INCREMENTAL.<name>` is an increment of; null for any other name. */
export function incrementedPath(path: Uint8Array): Uint8Array | null {
  const nameAt = path.lastIndexOf(slash) + 1;
  const name = Buffer.from(path.subarray(nameAt)).toString("latin1");
  if (!name.startsWith(incrementalPrefix)) return null;
  const whole = Buffer.concat([path.subarray(0, nameAt), path.subarray(nameAt + incrementalPrefix.length)]);
  return parseRelationPath(whole.toString("latin1")) === null ? null : whole;
}

const slash = 0x2f;
/** src/include/backup/basebackup_incremental.h, INCREMENTAL_PREFIX_LENGTH and basebackup.c. */
const incrementalPrefix = "INCREMENTAL.";

function truncated(): AppError {
  return new AppError("backup-stream-damaged", {
    message: "a file the server sent as an increment ends inside its header",
    hint: "nothing of it was kept",
  });
}
