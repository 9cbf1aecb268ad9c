import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type Lsn, parseLsn, WalScanner, walSegmentName } from "@tidemark/postgres";
import type { WalArchive } from "@tidemark/repository";
import type { TestServer } from "@tidemark/testkit";

/** Segments of 1 MiB, so that little writing makes many; WAL that is not held by a slot stays for comparing. */
export const walServer = { walSegmentSizeMb: 1, settings: { wal_keep_size: "2GB", max_wal_senders: 20 } } as const;
export const segmentBytes = 1 << 20;

export async function flushLsn(server: TestServer): Promise<Lsn> {
  const [row] = await server.query<{ lsn: string }>("SELECT pg_current_wal_flush_lsn()::text AS lsn");
  return parseLsn(row?.lsn ?? "");
}

export interface ArchiveVerdict {
  readonly segments: number;
  /** As sentences; empty: every byte of the archive is the server's, and they follow each other without a hole. */
  readonly problems: readonly string[];
  /** The end of what is there, whole segments and the part behind them. */
  readonly endLsn: bigint;
}

/** Compares what is archived of one timeline, from a segment on, with the server's own files. */
export async function compareWithServer(
  archive: WalArchive,
  dataDir: string,
  timeline: number,
  from = 0n,
): Promise<ArchiveVerdict> {
  const problems: string[] = [];
  let end: bigint | null = null;
  let segments = 0;
  for await (const entry of archive.list({ timeline, segmentSizeBytes: segmentBytes, from })) {
    if (entry.kind !== "segment" || entry.startLsn === null) continue;
    if (end !== null && entry.startLsn !== end) problems.push(`a hole before ${entry.name}`);
    end = entry.startLsn + BigInt(segmentBytes);
    segments++;
    const own = await readFile(join(dataDir, "pg_wal", entry.name)).catch(() => null);
    // What the slot no longer holds may be gone by now.
    if (own !== null && !own.equals(await gather(archive.read(entry.name)))) problems.push(`${entry.name} differs`);
  }
  const part = await archive.partial(timeline);
  if (part === null) return { segments, problems, endLsn: end ?? 0n };
  if (end !== null && part.place.startLsn !== end) problems.push("a hole before the part");
  const name = walSegmentName(timeline, part.place.startLsn as Lsn, segmentBytes);
  const own = await readFile(join(dataDir, "pg_wal", name));
  const bytes = await gather(part.read());
  if (BigInt(bytes.length) !== part.endLsn - part.place.startLsn) problems.push("the part is of another length");
  if (!own.subarray(0, bytes.length).equals(bytes)) problems.push(`the part of ${name} differs`);
  return { segments, problems, endLsn: part.endLsn };
}

/** Segments whose facts are other ones than those that a look at all of the archived WAL in one go gives. */
export async function compareFacts(archive: WalArchive, major: number, timeline: number): Promise<readonly string[]> {
  const wrong: string[] = [];
  let scanner: WalScanner | null = null;
  for await (const { kind, name, startLsn } of archive.list({ timeline, segmentSizeBytes: segmentBytes })) {
    if (kind !== "segment" || startLsn === null) continue;
    // What reaches into the first one begins in what was never received.
    const isFirst = scanner === null;
    scanner ??= new WalScanner({ major, segmentSizeBytes: segmentBytes, timeline, startLsn });
    scanner.push(await gather(archive.read(name)));
    const { problem: _, ...facts } = scanner.takeFacts();
    const stored = (await archive.describe(name))?.facts;
    if (!isFirst && !isDeepStrictEqual(stored, facts)) wrong.push(name);
  }
  return wrong;
}

export async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(Uint8Array.from(chunk));
  return Buffer.concat(parts);
}

/** Writes about so many segments in commits of 100 kB. */
export async function writeSegments(server: TestServer, count: number): Promise<Lsn> {
  const client = await server.client();
  await client.query("CREATE TABLE IF NOT EXISTS tide (body text)");
  await client.query("ALTER TABLE tide ALTER body SET STORAGE EXTERNAL");
  for (let n = 0; n < count * 10; n++) {
    await client.query("INSERT INTO tide SELECT string_agg(md5(i::text), '') FROM generate_series(1, 3200) AS i");
  }
  await client.end();
  return await flushLsn(server);
}
