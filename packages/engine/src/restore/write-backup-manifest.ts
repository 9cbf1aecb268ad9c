import { open, readFile } from "node:fs/promises";
import { crc32c, crc32cOfZeros } from "@tidemark/kit";
import { BackupManifestWriter, type ManifestWalRange, parseLsn, timelineHistoryName } from "@tidemark/postgres";
import type { BackupFacts, ManifestReader } from "@tidemark/repository";
import { throwIfCancelled } from "../act.ts";
import { isWalSegment } from "../backup/received-files.ts";
import type { ComposedFile } from "../restored-configuration/compose-configuration.ts";
import type { RestorePlan } from "./plan-restore.ts";
import { isEmptiedPath } from "./restore-databases.ts";
import { type RestorePlaces, tablespaceMapPath } from "./restore-places.ts";

/**
 * Writes a genuine `backup_manifest` into a restored data directory, on which a stock pg_verifybackup agrees: every
 * restored file with the CRC-32C of its whole content, combined when the backup was taken, not read again.
 */
export async function writeBackupManifest(request: {
  readonly manifest: ManifestReader;
  readonly plan: RestorePlan;
  readonly places: RestorePlaces;
  readonly tablespaceMap: Uint8Array | null;
  /** Files written beside those of the backup; they are listed, too. */
  readonly composed: readonly ComposedFile[];
  readonly signal: AbortSignal;
}): Promise<void> {
  const { manifest, plan, places, tablespaceMap, composed, signal } = request;
  const { facts } = plan;
  const writer = new BackupManifestWriter();
  const handle = await open(places.below("backup_manifest"), "wx", 0o600);
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  const write = async (bytes: Uint8Array, atLeast = writtenAtOnce): Promise<void> => {
    waiting.push(bytes);
    waitingBytes += bytes.length;
    if (waitingBytes < atLeast) return;
    await handle.writeFile(Buffer.concat(waiting));
    waiting = [];
    waitingBytes = 0;
  };
  try {
    // Version 2 came with 17 (src/include/common/parse_manifest.h).
    const isVersion2 = facts.serverVersion >= 170_000;
    await write(writer.begin(isVersion2 ? { version: 2, systemIdentifier: facts.systemIdentifier } : { version: 1 }));
    const emptied = new Set(plan.databases?.emptied.map(({ oid }) => oid));
    const composedPaths = new Set(composed.map(({ path }) => path));
    for await (const entry of manifest.files()) {
      throwIfCancelled(signal);
      if (isWalSegment(entry.path) || places.of(entry.path) === null) continue;
      const path = Buffer.from(entry.path).toString("latin1");
      if (composedPaths.has(path)) continue;
      const isMap = tablespaceMap !== null && path === tablespaceMapPath;
      const restoredCrc = isEmptiedPath(path, emptied) ? crc32cOfZeros(entry.sizeBytes) : entry.crc32c;
      await write(
        writer.file({
          path: entry.path,
          sizeBytes: isMap ? tablespaceMap.length : Number(entry.sizeBytes),
          modifiedAt: entry.modifiedAt,
          checksum: { algorithm: "CRC32C", crc32c: isMap ? crc32c(tablespaceMap) : restoredCrc },
        }),
      );
    }
    for (const { path, bytes } of composed) {
      await write(
        writer.file({
          path: Buffer.from(path, "utf8"),
          sizeBytes: bytes.length,
          modifiedAt: facts.stoppedAt,
          checksum: { algorithm: "CRC32C", crc32c: crc32c(bytes) },
        }),
      );
    }
    await write(writer.end(await walRangesOf(facts, places)), 0);
    await handle.chmod(facts.dataDirectoryMode & 0o050 ? 0o640 : 0o600);
  } finally {
    await handle.close();
  }
}

/** A file takes some 150 bytes, and a write of its own as long as the entry itself. */
const writtenAtOnce = 64 * 1024;

/** From start to stop; where a standby followed a promotion meanwhile, one range per timeline, the newest first. */
async function walRangesOf(facts: BackupFacts, places: RestorePlaces): Promise<ManifestWalRange[]> {
  const lsn = (value: bigint) => value as ManifestWalRange["startLsn"];
  // What the server itself said of the backup, where it said it.
  if (facts.walRanges !== null && facts.walRanges.length > 0) {
    return facts.walRanges.map((range) => ({
      timeline: range.timeline,
      startLsn: lsn(range.startLsn),
      endLsn: lsn(range.endLsn),
    }));
  }
  const whole = { timeline: facts.stopTimeline, startLsn: lsn(facts.startLsn), endLsn: lsn(facts.stopLsn) };
  if (facts.timeline === facts.stopTimeline) return [whole];
  const history = await readFile(places.below(`pg_wal/${timelineHistoryName(facts.stopTimeline)}`), "utf8");
  return splitByHistory(history, facts.timeline, whole).reverse();
}

/** A history file has a line `<timeline> <switch LSN> <reason>` per timeline that ended (timeline.c, readTimeLineHistory). */
export function splitByHistory(history: string, firstTimeline: number, whole: ManifestWalRange): ManifestWalRange[] {
  const ranges: ManifestWalRange[] = [];
  let reached = whole.startLsn;
  for (const line of history.split("\n")) {
    const match = /^\s*(\d+)\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)/.exec(line);
    if (match === null || Number(match[1]) < firstTimeline) continue;
    const switchLsn = parseLsn(match[2] ?? "");
    if (switchLsn <= reached || switchLsn >= whole.endLsn) continue;
    ranges.push({ timeline: Number(match[1]), startLsn: reached, endLsn: switchLsn });
    reached = switchLsn;
  }
  return [...ranges, { ...whole, startLsn: reached }];
}
