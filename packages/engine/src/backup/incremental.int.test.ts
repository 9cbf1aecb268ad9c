import { type TestServer, testServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EngineRig, engineRig } from "../engine-rig.ts";

describe.each([17, 18] as const)("an incremental backup of PostgreSQL %i", (major) => {
  let server: TestServer;
  let rig: EngineRig;
  beforeAll(async () => {
    rig = await engineRig();
    server = await testServer({ major, settings: { autovacuum: false, summarize_wal: true }, tablespaces: ["fast"] });
    await server.query(
      "CREATE TABLE filler AS SELECT g AS id, repeat(md5(g::text), 8) AS body FROM generate_series(1, 20000) g",
    );
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  it("reads what changed, and is as whole as any", async () => {
    const first = await rig.backup(server.dsn());
    expect(first.facts?.reading).toEqual({ kind: "full", reason: null });
    await server.query("UPDATE filler SET body = 'changed' WHERE id % 5000 = 7");
    const second = await rig.backup(server.dsn());
    expect(second.facts?.reading).toMatchObject({ kind: "incremental", fromBackupId: first.backupId });
    expect(await rig.verify(second.backupId)).toMatchObject({ ok: true });
    expect(await rig.drill({ backupId: second.backupId })).toMatchObject({ outcome: "proven", reason: null });
  });
});
