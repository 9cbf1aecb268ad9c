import { AppError } from "@tidemark/kit";
import { type Lsn, parseLsn } from "./lsn.ts";

/** Every line `backup_label` can have in 13–18 (src/backend/access/transam/xlogbackup.c, build_backup_content). */
export interface BackupLabel {
  readonly startLsn: Lsn;
  /** The segment that holds `startLsn`. */
  readonly startWalFile: string;
  readonly checkpointLsn: Lsn;
  readonly method: "streamed" | "pg_start_backup" | "pg_backup_start";
  /** 13 writes "master" for a primary. */
  readonly takenFrom: "primary" | "standby";
  /** As the server wrote it, with its log_timezone's abbreviation; abbreviations are ambiguous, so it stays text. */
  readonly startTime: string;
  readonly label: string;
  readonly startTimeline: number;
  /** Of an incremental backup (17+): where its parent started. */
  readonly incrementalFromLsn: Lsn | null;
  readonly incrementalFromTimeline: number | null;
}

/**
 * Parses `backup_label`. Unknown lines are refused: recovery would read the file otherwise than we do.
 *
 * @throws AppError `backup-stream-damaged`.
 */
export function parseBackupLabel(text: string): BackupLabel {
  const lines = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const colon = line.indexOf(": ");
    const key = colon === -1 ? line : line.slice(0, colon);
    if (!labelKeys.has(key) || lines.has(key)) throw damaged(`the line "${line}" is unknown or repeated`);
    lines.set(key, line.slice(colon + 2));
  }
  const start = /^([0-9A-F]+\/[0-9A-F]+) \(file ([0-9A-F]{24})\)$/.exec(required(lines, "START WAL LOCATION"));
  if (start === null) throw damaged("START WAL LOCATION is malformed");
  const method = required(lines, "BACKUP METHOD");
  if (method !== "streamed" && method !== "pg_start_backup" && method !== "pg_backup_start") {
    throw damaged(`BACKUP METHOD ${method} is unknown`);
  }
  const from = required(lines, "BACKUP FROM");
  if (from !== "primary" && from !== "master" && from !== "standby") throw damaged(`BACKUP FROM ${from} is unknown`);
  const incrementalLsn = lines.get("INCREMENTAL FROM LSN");
  const incrementalTimeline = lines.get("INCREMENTAL FROM TLI");
  return {
    startLsn: lsn(start[1] as string),
    startWalFile: start[2] as string,
    checkpointLsn: lsn(required(lines, "CHECKPOINT LOCATION")),
    method,
    takenFrom: from === "standby" ? "standby" : "primary",
    startTime: required(lines, "START TIME"),
    label: required(lines, "LABEL"),
    startTimeline: timeline(required(lines, "START TIMELINE")),
    incrementalFromLsn: incrementalLsn === undefined ? null : lsn(incrementalLsn),
    incrementalFromTimeline: incrementalTimeline === undefined ? null : timeline(incrementalTimeline),
  };
}

/**
 * The label of the full backup that an incremental one makes together with its parent: without the two lines on which a
 * server refuses to start (xlogrecovery.c, read_backup_label), everything else byte for byte, as pg_combinebackup does.
 */
export function withoutIncrementalLines(label: Uint8Array): Uint8Array {
  const lines = Buffer.from(label).toString("latin1").split("\n");
  return Buffer.from(lines.filter((line) => !/^INCREMENTAL FROM (?:LSN|TLI): /.test(line)).join("\n"), "latin1");
}

const labelKeys: ReadonlySet<string> = new Set([
  "START WAL LOCATION",
  "CHECKPOINT LOCATION",
  "BACKUP METHOD",
  "BACKUP FROM",
  "START TIME",
  "LABEL",
  "START TIMELINE",
  "INCREMENTAL FROM LSN",
  "INCREMENTAL FROM TLI",
]);

function required(lines: ReadonlyMap<string, string>, key: string): string {
  const value = lines.get(key);
  if (value === undefined) throw damaged(`the line ${key} is missing`);
  return value;
}

function lsn(text: string): Lsn {
  try {
    return parseLsn(text);
  } catch (cause) {
    throw new AppError("backup-stream-damaged", {
      message: `backup_label cannot be read: ${text} is not an LSN`,
      cause,
    });
  }
}

function timeline(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw damaged(`${text} is not a timeline`);
  return Number(text);
}

function damaged(why: string): AppError {
  return new AppError("backup-stream-damaged", { message: `backup_label cannot be read: ${why}` });
}
