import type { ServerAct, ServerActResult } from "@tidemark/jobs";
import { createRestorePoint, formatLsn, runCheckpoint, type SqlSession, switchWal } from "@tidemark/postgres";

/** Closes the WAL segment in use. */
export async function switchWalAct(session: SqlSession): Promise<ServerActResult> {
  const { closedFile, lsn } = await switchWal(session);
  const sentence =
    closedFile === null
      ? "nothing had been written since the last switch: no segment was closed"
      : `the WAL segment ${closedFile} was closed`;
  return { kind: "switch-wal", closedFile, lsn: formatLsn(lsn), sentence };
}

/** Waits for a checkpoint (on a standby, a restartpoint). */
export async function checkpointAct(session: SqlSession): Promise<ServerActResult> {
  const { lsn, timeline, isRestartpoint } = await runCheckpoint(session);
  const what = isRestartpoint ? "restartpoint, from the checkpoint" : "checkpoint";
  const sentence = `the last ${what} is at ${formatLsn(lsn)} on timeline ${timeline}`;
  return { kind: "checkpoint", lsn: formatLsn(lsn), timeline, sentence };
}

/** Writes a name into the WAL that a restore can stop at. */
export async function restorePointAct(
  session: SqlSession,
  { name }: Extract<ServerAct, { kind: "restore-point" }>,
): Promise<ServerActResult> {
  const { lsn } = await createRestorePoint(session, name);
  const sentence = `the restore point "${name}" is at ${formatLsn(lsn)}`;
  return { kind: "restore-point", name, lsn: formatLsn(lsn), sentence };
}
