import { AppError, describeError } from "@tidemark/kit";
import type { NewWalSegment, Server, WalSegmentKey, WalTimelineRow } from "@tidemark/metadata";
import { parseTimelineHistory } from "@tidemark/postgres";
import type { ServerArea, WalArchive, WalEntry } from "@tidemark/repository";
import type { WorkerDeps } from "../worker-deps.ts";
import { DamagedFiles } from "./damaged-files.ts";
import { type ContradictedSegment, PieceCheck, pieceChecks, pieceFindings } from "./piece-findings.ts";
import { segmentRow } from "./segment-row.ts";
import { timelineRowOf } from "./timeline-row.ts";

type MirrorDeps = Pick<WorkerDeps, "metadata" | "logger">;

export interface WalMirrorReport {
  readonly added: number;
  readonly forgotten: number;
}

/**
 * Brings the rows of a server's WAL up to date with what a repository holds: segments that were pushed, received while the
 * metadata was away, or are in a repository that was attached anew; rows of what is gone go. Only the end of a segment
 * without a row is read, and pieces that stayed beside a whole segment: where they contradict it a finding says so.
 */
export async function mirrorWal(
  deps: MirrorDeps,
  server: Server,
  repositoryId: string,
  area: ServerArea,
  signal?: AbortSignal,
): Promise<WalMirrorReport> {
  const total = { added: 0, forgotten: 0 };
  const known = await deps.metadata.wal.segmentKeys({ serverId: server.id, repositoryId });
  const gone = new Map(known.map((key) => [keyText(key), key]));
  const contradicted: ContradictedSegment[] = [];
  const damaged = await DamagedFiles.of(deps, { serverId: server.id, repositoryId });
  for (const systemIdentifier of await area.walIdentifiers()) {
    const pieces = new PieceCheck();
    const archive = area.wal(systemIdentifier);
    const about = { server, repositoryId, systemIdentifier };
    let batch: NewWalSegment[] = [];
    const write = async () => {
      await deps.metadata.wal.recordSegments(batch);
      total.added += batch.length;
      batch = [];
    };
    for await (const entry of archive.list(signal === undefined ? {} : { signal })) {
      signal?.throwIfAborted();
      pieces.note(entry);
      damaged.note(systemIdentifier, entry);
      if (entry.kind === "history") await mirrorHistory(deps, server, archive, entry);
      if (entry.kind !== "segment" || entry.startLsn === null) continue;
      const key = { serverId: server.id, repositoryId, systemIdentifier: String(systemIdentifier) };
      const place = { ...key, timeline: entry.timeline, startLsn: entry.startLsn };
      if (gone.delete(keyText(place))) continue;
      const row = await describeRow(deps, archive, entry, { ...about, source: sourceOf(server, repositoryId) });
      if (row !== null) batch.push(row);
      if (batch.length >= batchSize) await write();
    }
    await write();
    contradicted.push(...(await pieces.contradicted(archive)));
  }
  await damaged.forgetGone();
  if (repositoryId === server.repositoryId) {
    const subject = { kind: "server", serverId: server.id } as const;
    await deps.metadata.findings.record(subject, pieceChecks, pieceFindings(server, contradicted));
  }
  total.forgotten = await deps.metadata.wal.forgetSegments([...gone.values()]);
  return total;
}

/** Null for one that was removed meanwhile, or whose end cannot be read: a verification says what is wrong with it. */
async function describeRow(
  deps: MirrorDeps,
  archive: WalArchive,
  entry: WalEntry,
  about: Parameters<typeof segmentRow>[0],
): Promise<NewWalSegment | null> {
  try {
    const described = await archive.describe(entry.name);
    return described === null ? null : { ...segmentRow(about, described), storedAt: entry.modifiedAt };
  } catch (error) {
    if (describeError(error).code !== "wal-damaged") throw error;
    deps.logger.error({ err: error, serverId: about.server.id, segment: entry.name }, "a WAL segment cannot be read");
    return null;
  }
}

async function mirrorHistory(deps: MirrorDeps, server: Server, archive: WalArchive, entry: WalEntry): Promise<void> {
  let row: WalTimelineRow | null = null;
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of archive.read(entry.name)) chunks.push(chunk.slice());
    const history = Buffer.concat(chunks);
    parseTimelineHistory(history.toString("utf8"));
    row = timelineRowOf(server.id, {
      systemIdentifier: archive.systemIdentifier,
      timeline: entry.timeline,
      history,
    });
  } catch (error) {
    if (!isBadHistory(error)) throw error;
    // It is damaged, or somebody's archiver stored it so: recovery on that timeline would refuse it too. The rest is mirrored.
    deps.logger.warn({ err: error, serverId: server.id, file: entry.name }, "a timeline's history cannot be read");
  }
  if (row !== null) await deps.metadata.wal.recordTimeline(row);
}

function isBadHistory(error: unknown): boolean {
  return error instanceof AppError && ["wal-damaged", "wal-missing", "backup-stream-damaged"].includes(error.code);
}

function sourceOf(server: Server, repositoryId: string): NewWalSegment["source"] {
  if (repositoryId !== server.repositoryId) return "copy";
  return server.walMode === "push" ? "push" : "stream";
}

function keyText({ repositoryId, systemIdentifier, timeline, startLsn }: WalSegmentKey): string {
  return `${repositoryId} ${systemIdentifier} ${timeline} ${startLsn}`;
}

const batchSize = 200;
