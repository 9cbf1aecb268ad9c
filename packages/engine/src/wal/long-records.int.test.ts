import { createReadStream } from "node:fs";
import { copyFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Lsn, parseWalSegmentName, walSegmentName } from "@tidemark/postgres";
import { type TestServer, tempDir, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type EngineRig, engineRig } from "../engine-rig.ts";
import { scanPartial } from "../point-in-time/scan-partial.ts";
import { pushWal } from "./push/push-wal.ts";
import { tailBefore } from "./receive/tail-before.ts";

const sizeBytes = 1_048_576;
/** How far before a segment's end the commit begins: further than what is read where nothing tells. */
const beforeEnd = 400_000;

/** A commit whose record, with its 110,000 subtransactions, has 440 KB and begins in one segment and ends in the next. */
let server: TestServer;
let rig: EngineRig;
let systemIdentifier: bigint;
let archived: string;
let commit: { readonly xid: number; readonly lsn: bigint };

beforeAll(async () => {
  rig = await engineRig();
  server = await testServer({ walSegmentSizeMb: 1 });
  const [control] = await server.query<{ id: string }>("SELECT system_identifier::text AS id FROM pg_control_system()");
  systemIdentifier = BigInt(control?.id ?? 0);
  await server.query("SELECT pg_create_physical_replication_slot('keep', true)");
  await server.query("CREATE TABLE ledger AS SELECT 1 AS id");
  // A number for each subtransaction, and no WAL of its own.
  await server.query("CREATE UNLOGGED TABLE counted (id int)");
  await server.query(`DO $$
    DECLARE gap int;
    BEGIN
      INSERT INTO ledger VALUES (2);
      FOR turn IN 1..110000 LOOP
        BEGIN INSERT INTO counted VALUES (turn); EXCEPTION WHEN division_by_zero THEN NULL; END;
      END LOOP;
      gap := ${sizeBytes} - ${beforeEnd} - ((pg_current_wal_insert_lsn() - '0/0') % ${sizeBytes})::int;
      IF gap < 0 THEN gap := gap + ${sizeBytes}; END IF;
      PERFORM pg_logical_emit_message(false, 'fill', repeat('x', gap - gap / 300));
    END $$`);
  const [row] = await server.query<{ xid: string; lsn: string; name: string }>(
    `SELECT xmin::text AS xid, (pg_current_wal_insert_lsn() - '0/0')::text AS lsn,
            pg_walfile_name(pg_current_wal_lsn()) AS name FROM ledger WHERE id = 2`,
  );
  commit = { xid: Number(row?.xid), lsn: BigInt(row?.lsn ?? 0) };
  await server.query("SELECT pg_switch_wal()");
  archived = join(server.dataDir, "pg_wal");
  await waitFor(async () => (await readdir(archived)).includes(row?.name ?? ""), { what: "the segment" });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await rig?.[Symbol.asyncDispose]();
});

const startLsn = () => commit.lsn - (commit.lsn % BigInt(sizeBytes));
const name = (lsn: bigint) => walSegmentName(1, lsn as Lsn, sizeBytes);

it("is told of by a push, the segment before lying beside it, and then by one that is received or in the making", async () => {
  const archive = rig.area.wal(systemIdentifier);
  const owners = [{ area: rig.area, systemIdentifier }] as const;
  // Copies: of a running server's pg_wal only the owner may be sure that a file stays.
  await using folder = await tempDir("pushed");
  for (const lsn of [startLsn() - BigInt(sizeBytes), startLsn()]) {
    await copyFile(join(archived, name(lsn)), folder.join(name(lsn)));
  }
  await pushWal({ owners, writer: "test" }, folder.join(name(startLsn() - BigInt(sizeBytes))));
  const previous = await archive.describe(name(startLsn() - BigInt(sizeBytes)));
  expect(previous?.facts?.lastCommit?.xid).not.toBe(commit.xid);
  await pushWal({ owners, writer: "test" }, folder.join(name(startLsn())));
  const told = { xid: commit.xid };
  expect((await archive.describe(name(startLsn())))?.facts?.firstCommit).toMatchObject(told);

  const start = { timeline: 1, startLsn: startLsn() } as never;
  const history = { timeline: 1, ancestors: [], history: [], segmentSizeBytes: sizeBytes } as never;
  const tail = await tailBefore(archive, start, history, {
    signal: new AbortController().signal,
    logger: { debug: (about: object) => expect(about).toEqual({}) } as never,
  });
  expect(tail?.length).toBeGreaterThan(300_000);

  const partial = {
    place: { timeline: 1, startLsn: startLsn(), sizeBytes },
    endLsn: startLsn() + BigInt(sizeBytes),
    read: () => createReadStream(folder.join(name(startLsn()))),
  } as never;
  const signal = new AbortController().signal;
  const facts = await scanPartial({ archive, partial, major: 18, timelines: [], signal });
  expect(facts?.firstCommit).toMatchObject(told);
  expect(parseWalSegmentName(name(startLsn()), sizeBytes)).not.toBeNull();
});
