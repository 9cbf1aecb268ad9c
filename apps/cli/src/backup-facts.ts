import { z } from "zod";
import { lowerState } from "./output.ts";

/** A backup as the command asks for it and prints it. */
export const BackupFacts = z.object({
  id: z.string(),
  state: z.string(),
  damaged: z.boolean(),
  damageDetail: z.string().nullable(),
  server: z.object({ id: z.string(), name: z.string() }),
  repository: z.object({ id: z.string(), name: z.string() }),
  label: z.string().nullable(),
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
  durationMs: z.number().nullable(),
  startLsn: z.string().nullable(),
  stopLsn: z.string().nullable(),
  timeline: z.number().nullable(),
  serverVersion: z.string().nullable(),
  sizeBytes: z.string().nullable(),
  storedBytes: z.string().nullable(),
  referencedBytes: z.string().nullable(),
  fileCount: z.number().nullable(),
  verifiedAt: z.string().nullable(),
  provenAt: z.string().nullable(),
  hold: z.object({ by: z.string(), at: z.string(), reason: z.string() }).nullable(),
  note: z.string().nullable(),
  retentionReasons: z.array(z.string()),
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() }).nullable(),
});
export type BackupFacts = z.infer<typeof BackupFacts>;

export const backupFields = `id state damaged damageDetail server { id name } repository { id name } label startedAt finishedAt durationMs
  startLsn stopLsn timeline serverVersion sizeBytes storedBytes referencedBytes fileCount verifiedAt provenAt
  hold { by at reason } note retentionReasons error { code message hint }`;

export function backupJson(backup: BackupFacts): object {
  return {
    id: backup.id,
    state: lowerState(backup.state),
    damaged: backup.damaged,
    verifiedAt: backup.verifiedAt,
    provenAt: backup.provenAt,
    server: backup.server.name,
    repository: backup.repository.name,
    label: backup.label,
    startedAt: backup.startedAt,
    finishedAt: backup.finishedAt,
    startLsn: backup.startLsn,
    stopLsn: backup.stopLsn,
    timeline: backup.timeline,
    serverVersion: backup.serverVersion,
    sizeBytes: backup.sizeBytes,
    storedBytes: backup.storedBytes,
    referencedBytes: backup.referencedBytes,
    fileCount: backup.fileCount,
    hold: backup.hold,
    note: backup.note,
    retentionReasons: backup.retentionReasons,
    error: backup.error,
  };
}
