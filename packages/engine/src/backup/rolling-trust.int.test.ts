import { open } from "node:fs/promises";
import { join } from "node:path";
import { type TestServer, testServer } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { engineRig } from "../engine-rig.ts";
import { LiveComparison } from "../histories/compare-files.ts";
import { isDueInRound, trustRounds } from "./trust-round.ts";

const page = 8192;

describe("rolling trust", () => {
  it("finds pages that changed without WAL in the files whose turn it is, heals them, and accuses nothing else", async () => {
    // Without page checksums nobody else would notice.
    await using server = await testServer({ checksums: false, settings: { autovacuum: false, summarize_wal: true } });
    await using rig = await engineRig();
    const tables = await dueTables(server, 0);
    const [rotten, missed, updated, read, cut] = tables;
    if (
      rotten === undefined ||
      missed === undefined ||
      updated === undefined ||
      read === undefined ||
      cut === undefined
    ) {
      throw new Error(`only ${tables.length} tables have their turn`);
    }
    await server.query("CHECKPOINT");
    const first = await rig.backup(server.dsn());
    await server.query(`UPDATE ${updated.name} SET body = 'changed' WHERE id % 100 = 7`);
    await server.query(`SELECT count(*) FROM ${read.name}`);
    for (const sql of [`DELETE FROM ${cut.name} WHERE id > 300`, `VACUUM ${cut.name}`]) await server.query(sql);
    await server.query(`COPY (SELECT g, md5(g::text) FROM generate_series(2001, 2400) g) TO '${server.dataDir}/rows'`);
    await server.query(`COPY ${cut.name} FROM '${server.dataDir}/rows'`);
    await server.stop();
    await change(join(server.dataDir, rotten.path), 3, (bytes) => flip(bytes, 8000));
    // As if a change and its record had both passed the summarizer by: newer than what is stored, older than the parent.
    await change(join(server.dataDir, missed.path), 5, (bytes) => {
      flip(bytes, 8000);
      bytes.writeUInt32LE(bytes.readUInt32LE(4) + 8, 4);
    });
    await server.start();

    rig.events.length = 0;
    const second = await rig.backup(server.dsn());

    expect(second.facts?.reading).toMatchObject({ kind: "incremental", fromBackupId: first.backupId });
    expect(second.facts).toMatchObject({ trustRound: 0 });
    expect(byPath(second.facts?.trustFindings ?? [])).toEqual(
      byPath([
        { path: rotten.path, blocks: [3], older: "neither" },
        { path: missed.path, blocks: [5], older: "stored" },
      ]),
    );
    const said = rig.events.flatMap((event) =>
      event.kind === "log" && event.level === "warning" ? [event.message] : [],
    );
    expect(said.filter((message) => message.includes("no WAL since then explains it"))).toHaveLength(2);
    expect(await new LiveComparison(rig.area, server).differences(second.backupId)).toEqual([]);
    // What came again and had not changed is not stored again: one page in a table of 24 is, by frames of 16.
    expect(second.counts?.referencedBytes).toBeGreaterThan(0n);

    const third = await rig.backup(server.dsn());
    expect(third.facts).toMatchObject({ trustRound: 1, trustFindings: [] });
  });
});

interface DueTable {
  readonly name: string;
  readonly path: string;
}

/** Makes tables of 24 pages until five have their turn in a round; others would need up to 28 backups. */
async function dueTables(server: TestServer, round: number): Promise<readonly DueTable[]> {
  const tables = trustRounds * 9;
  await server.query(
    `DO $$ BEGIN FOR n IN 1..${tables} LOOP
       EXECUTE format('CREATE TABLE r%s AS SELECT g AS id, md5(g::text) AS body FROM generate_series(1, 2000) g', n);
     END LOOP; END $$`,
  );
  const rows = await server.query<{ name: string; path: string }>(
    "SELECT relname::text AS name, pg_relation_filepath(oid) AS path FROM pg_class WHERE relname ~ '^r[0-9]+$'",
  );
  return rows.filter(({ path }) => isDueInRound(Buffer.from(path), round));
}

async function change(path: string, block: number, edit: (bytes: Buffer) => void): Promise<void> {
  await using file = await open(path, "r+");
  const bytes = Buffer.alloc(page);
  await file.read(bytes, 0, page, block * page);
  edit(bytes);
  await file.write(bytes, 0, page, block * page);
}

function flip(bytes: Buffer, at: number): void {
  bytes[at] = (bytes[at] as number) ^ 1;
}

function byPath<T extends { readonly path: string }>(findings: readonly T[]): readonly T[] {
  return [...findings].sort((left, right) => (left.path < right.path ? -1 : 1));
}
