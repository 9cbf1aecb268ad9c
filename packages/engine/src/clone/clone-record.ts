import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { AppError, systemErrorCode } from "@tidemark/kit";
import type { Major } from "@tidemark/local-postgres";
import type { RecoveryTarget } from "@tidemark/policy";
import type { RecoveryPlan } from "../point-in-time/recovery-request.ts";

/** What a clone's folder says of it: enough to start it again, or to move it on, after any crash. */
export interface CloneRecord {
  readonly cloneId: string;
  readonly backupId: string;
  readonly systemIdentifier: bigint;
  readonly major: Major;
  readonly segmentSizeBytes: number;
  /** What its recovery was asked for; null: the end of the backup, without WAL of the archive. */
  readonly recovery: {
    readonly target: RecoveryTarget;
    readonly timeline: number;
    readonly action: "pause" | "promote" | "shutdown";
    readonly asStandby: boolean;
    readonly sentence: string;
  } | null;
  readonly promoted: boolean;
}

export async function readCloneRecord(root: string): Promise<CloneRecord | null> {
  try {
    return JSON.parse(await readFile(join(root, fileName), "utf8"), revive) as CloneRecord;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT" || error instanceof SyntaxError) return null;
    throw error;
  }
}

export async function requireCloneRecord(root: string): Promise<CloneRecord> {
  const record = await readCloneRecord(root);
  if (record !== null) return record;
  throw new AppError("not-found", { message: `there is no clone in ${root} on this machine` });
}

export async function writeCloneRecord(root: string, record: CloneRecord): Promise<void> {
  const draft = join(root, `${fileName}.tmp`);
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(JSON.stringify(record, replace));
    // Before the name: after a loss of power an empty one would be a clone that nobody can start again.
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, join(root, fileName));
}

export function recoveryRecord(plan: RecoveryPlan | null): CloneRecord["recovery"] {
  if (plan === null) return null;
  const { recoverAs, timeline, sentence, request } = plan;
  return { target: recoverAs, timeline, action: request.action, asStandby: request.asStandby, sentence };
}

const fileName = "clone.json";

function replace(this: unknown, key: string, value: unknown): unknown {
  // JSON.stringify has made text of a Date before it asks.
  const own: unknown = (this as Record<string, unknown>)[key];
  if (own instanceof Date) return { $date: own.toISOString() };
  return typeof value === "bigint" ? { $bigint: String(value) } : value;
}

function revive(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("$date" in value) return new Date(String(value.$date));
  return "$bigint" in value ? BigInt(String(value.$bigint)) : value;
}
