import { JsonFields } from "../bytes/json-fields.ts";

/** How much of the server was read for a backup, and why. Whatever was read, the backup is a full one. */
export type BackupReading =
  | {
      readonly kind: "full";
      /** Why everything was read although there was a backup to build on; null when there was none, or it was asked for. */
      readonly reason: string | null;
    }
  | {
      readonly kind: "incremental";
      /** The backup whose stored bytes stand for the blocks the server did not send. */
      readonly fromBackupId: string;
      /** The server was asked for what changed since this point: the start of that backup. */
      readonly fromLsn: bigint;
      readonly fromTimeline: number;
      /** Files asked for in full although the parent has them (rolling trust, limits, visibility maps …), and their bytes. */
      readonly resentFiles: number;
      readonly resentBytes: bigint;
    };

/** A stretch of WAL as the server's own backup manifest names it ("WAL-Ranges"). */
export interface BackupWalRange {
  readonly timeline: number;
  readonly startLsn: bigint;
  readonly endLsn: bigint;
}

/** Null in manifests written before there were incrementals. */
export function readingFromJson(fields: JsonFields): BackupReading | null {
  if (fields.isNull("reading")) return null;
  const reading = fields.object("reading");
  if (reading.text("kind") === "full") return { kind: "full", reason: reading.textOrNull("reason") };
  return {
    kind: "incremental",
    fromBackupId: reading.text("fromBackupId"),
    fromLsn: reading.bigint("fromLsn"),
    fromTimeline: reading.number("fromTimeline"),
    resentFiles: reading.number("resentFiles"),
    resentBytes: reading.bigint("resentBytes"),
  };
}

/** Null in manifests written before there were incrementals, and where the server gave no manifest. */
export function walRangesFromJson(fields: JsonFields): readonly BackupWalRange[] | null {
  if (fields.isNull("walRanges")) return null;
  return fields.list("walRanges", (item) => {
    const range = new JsonFields(item);
    return {
      timeline: range.number("timeline"),
      startLsn: range.bigint("startLsn"),
      endLsn: range.bigint("endLsn"),
    };
  });
}
