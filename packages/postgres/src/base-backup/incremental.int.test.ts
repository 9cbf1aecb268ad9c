import { type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDsn } from "../connection/dsn.ts";
import { BackupManifestReader } from "../files/backup-manifest-reader.ts";
import { parseLsn } from "../files/lsn.ts";
import { readRelationLimits, readWalSummaries, readWalSummarizer } from "../server/wal-summaries.ts";
import { ReplicationSession } from "../session/replication-session.ts";
import { SqlSession } from "../session/sql-session.ts";
import { receiveBackup } from "./receive-backup.fixture.ts";

const layout = { blockSize: 8192, blocksPerSegment: 131_072 };
const options = { label: "test", checkpoint: "fast", includeWal: true, progress: false } as const;

describe.each([17, 18] as const)("an incremental base backup of PostgreSQL %i", (major) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await testServer({ major, settings: { autovacuum: false, summarize_wal: true } });
    await server.query(
      "CREATE TABLE filler AS SELECT g AS id, repeat('x', 500) AS body FROM generate_series(1, 3000) g",
    );
    // Or the first look at it writes hint bits, and with them whole pages into the WAL.
    await server.query("VACUUM FREEZE filler");
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const connect = () => ReplicationSession.connect(parseDsn(server.dsn()));

  it("refuses manifests in the server's words, and the session goes on", async () => {
    const session = await connect();
    const refused = (text: string) => expect(session.uploadManifest(chunksOf(Buffer.from(text))));
    await refused('{ "PostgreSQL-Backup-Manifest-Version": 1,\n"Files": [],\n').rejects.toMatchObject({
      code: "server-error",
      message: expect.stringContaining("manifest version 1 does not support incremental backup"),
      context: { sqlState: "XX000" },
    });
    await refused("no manifest").rejects.toMatchObject({ code: "server-error", context: { sqlState: "XX000" } });
    expect(await session.show("server_version_num")).toMatch(/^1[78]/);
    const stream = session.baseBackup({ ...options, incremental: layout });
    await expect(stream.events().next()).rejects.toMatchObject({
      code: "server-error",
      context: { sqlState: "55000" },
    });
    await session.close();
  });

  it("sends the blocks that changed since the backup whose own manifest is uploaded", async () => {
    const first = await connect();
    const { manifest } = await receiveBackup(first.baseBackup(options));
    await first.close();
    await server.query("UPDATE filler SET body = 'changed' WHERE id = 1500");
    const [row] = await server.query<{ path: string }>("SELECT pg_relation_filepath('filler') AS path");
    const session = await connect();
    await session.uploadManifest(chunksOf(manifest));
    const increments = new Map<string, readonly number[]>();
    const own = new BackupManifestReader();
    const listed: string[] = [];
    const sums = new Map<string, number>();
    let name = "";
    for await (const event of session.baseBackup({ ...options, incremental: layout }).events()) {
      if (event.kind === "increment-begin") {
        increments.set(Buffer.from(event.path).toString(), [...event.header.blocks]);
        name = Buffer.from(event.sentPath).toString();
      } else if (event.kind === "increment-end") sums.set(name, event.sentCrc32c);
      else if (event.kind === "manifest-data") {
        for (const { path, checksum } of own.push(event.chunk)) {
          const sum = sums.get(Buffer.from(path).toString());
          if (sum === undefined) continue;
          listed.push(Buffer.from(path).toString());
          expect(checksum).toEqual({ algorithm: "CRC32C", crc32c: sum });
        }
      }
    }
    own.finish();
    await session.close();
    expect(increments.size).toBeGreaterThan(100);
    expect(listed).toHaveLength(increments.size);
    const [{ block } = { block: -1 }] = await server.query<{ block: number }>(
      "SELECT ((ctid::text::point)[0])::int AS block FROM filler WHERE id = 1500",
    );
    expect(increments.get(row?.path ?? "")).toEqual([block]);
  });

  it("tells what its summaries say of relations that were cut", async () => {
    await server.query("CHECKPOINT");
    await server.query("DELETE FROM filler WHERE id > 1500");
    await server.query("VACUUM filler");
    const [cut] = await server.query<{ pages: number; relfilenode: number; database: number }>(
      "SELECT (pg_relation_size('filler') / 8192)::int AS pages, pg_relation_filenode('filler')::int AS relfilenode, (SELECT oid::int FROM pg_database WHERE datname = current_database()) AS database",
    );
    await server.query("CHECKPOINT");
    const [{ redo } = { redo: "" }] = await server.query<{ redo: string }>(
      "SELECT redo_lsn::text AS redo FROM pg_control_checkpoint()",
    );
    const sql = await SqlSession.connect(parseDsn(server.dsn()));
    await waitFor(() => reaches(sql, redo), { what: "the summarizer", timeoutMs: 30_000 });
    const { enabled, summarizedLsn } = await readWalSummarizer(sql);
    expect(enabled).toBe(true);
    expect(summarizedLsn ?? 0n).toBeGreaterThanOrEqual(parseLsn(redo));
    const limits = await readRelationLimits(sql, await readWalSummaries(sql));
    expect(limits).toContainEqual({
      tablespaceOid: 1663,
      databaseOid: cut?.database,
      relfilenode: cut?.relfilenode,
      fork: "main",
      block: cut?.pages,
    });
    await sql.close();
  });
});

async function reaches(sql: SqlSession, lsn: string): Promise<boolean> {
  const [row] = await sql.query<{ yes: boolean }>(
    "SELECT bool_or(end_lsn >= $1::pg_catalog.pg_lsn) AS yes FROM pg_catalog.pg_available_wal_summaries()",
    [lsn],
  );
  return row?.yes === true;
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
}
