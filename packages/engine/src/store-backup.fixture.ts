import { newId } from "@tidemark/kit";
import type { BackupFacts, ServerArea } from "@tidemark/repository";
import type { FakeClock } from "@tidemark/testkit";
import { createBackupEncoder } from "./backup/backup-encoder.ts";

const encoder = createBackupEncoder({ threads: 1 });

/** A backup of one file; each has a pack of its own because it names no parent. */
export async function storeBackup(area: ServerArea, clock: FakeClock, content: string): Promise<string> {
  const backupId = newId("backup");
  const startedAt = clock.now();
  clock.advance(24 * 3_600_000);
  const writer = await area.beginBackup({ backupId, parentId: null, startedAt, encoder });
  const bytes = Buffer.from(content);
  const file = await writer.addFile({
    path: Buffer.from("PG_VERSION"),
    mode: 0o600,
    sizeBytes: BigInt(bytes.length),
    modifiedAt: startedAt,
  });
  await file.write(bytes);
  await file.end();
  await writer.commit({ ...facts, startedAt, stoppedAt: clock.now() });
  return backupId;
}

const facts: Omit<BackupFacts, "startedAt" | "stoppedAt"> = {
  serverName: "test",
  systemIdentifier: 1n,
  serverVersion: 180_004,
  catalogVersion: 202506291,
  timeline: 1,
  startLsn: 1n,
  stopLsn: 2n,
  stopTimeline: 1,
  label: "",
  fromStandby: false,
  blockSize: 8192,
  walSegmentSizeBytes: 16_777_216,
  dataDirectoryMode: 0o700,
  checksumsEnabled: true,
  tablespaces: [],
  backupLabel: "",
  tablespaceMap: "",
  suspectPages: [],
  includedWal: null,
  notes: [],
  method: "stream",
  configuration: null,
  environment: null,
  reading: null,
  walRanges: null,
  trustRound: null,
  trustFindings: null,
  youngPages: null,
};
