import { setTimeout as delay } from "node:timers/promises";
import { AppError, type Clock } from "@tidemark/kit";
import { formatLsn, type Lsn, readLastCheckpoint, runCheckpoint, type SqlSession } from "@tidemark/postgres";
import type { ActControl } from "../act.ts";
import type { ConnectPrimary } from "./backup-source.ts";

export interface RestartpointWait {
  readonly standby: SqlSession;
  readonly connectPrimary: ConnectPrimary | undefined;
  /** The parent's end: a copy that starts before it cannot build on it. */
  readonly parentEndLsn: bigint;
  readonly limitMs: number;
  readonly clock: Clock;
  readonly control: ActControl;
}

/**
 * A backup of a standby starts at its last restartpoint, and an incremental one must start at or after its parent's end
 * (basebackup_incremental.c, "manifest requires WAL from final timeline"). Waits, no longer than `limitMs`, until that
 * is so, and asks for it meanwhile: a CHECKPOINT on the primary, which the standby can turn into a restartpoint once it has
 * replayed it, and a CHECKPOINT on the standby, which does so. Roles may lack the right to either: then the servers' own
 * checkpoints are waited for.
 *
 * True when there is one now.
 */
export async function awaitRestartpoint(wait: RestartpointWait): Promise<boolean> {
  const { standby, parentEndLsn, limitMs, clock, control } = wait;
  const deadlineMs = clock.monotonicMs() + limitMs;
  if (await isPast(standby, parentEndLsn)) return true;
  const message = `waiting for a restartpoint of the standby behind ${formatLsn(parentEndLsn as Lsn)}, the end of the last backup`;
  control.emit({ kind: "log", level: "info", message });
  await checkpointPrimary(wait);
  let mayAsk = true;
  while (clock.monotonicMs() < deadlineMs) {
    if (mayAsk) mayAsk = await askStandby(wait);
    if (await isPast(standby, parentEndLsn)) return true;
    await delay(pollMs, undefined, { signal: control.signal });
  }
  return false;
}

async function isPast(standby: SqlSession, lsn: bigint): Promise<boolean> {
  return (await readLastCheckpoint(standby)).redoLsn >= lsn;
}

/** A primary that cannot be reached or does not let us is no failure: its own checkpoints come in time. */
async function checkpointPrimary({ connectPrimary, control, limitMs }: RestartpointWait): Promise<void> {
  if (connectPrimary === undefined) return;
  try {
    const primary = await connectPrimary(control.signal);
    try {
      await runCheckpoint(primary, { timeoutMs: limitMs });
    } finally {
      await primary.close();
    }
  } catch (error) {
    if (control.signal.aborted || !(error instanceof AppError)) throw error;
    control.emit({ kind: "log", level: "warning", message: `the primary made no checkpoint: ${error.message}` });
  }
}

/** False when asking again makes no sense. */
async function askStandby({ standby, limitMs }: RestartpointWait): Promise<boolean> {
  try {
    await runCheckpoint(standby, { timeoutMs: limitMs });
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === "privilege-missing") return false;
    throw error;
  }
}

const pollMs = 250;
