import { Secret } from "@tidemark/kit";
import { type ObjectStore, openStore, RetryingStore, type StoreCredentials } from "@tidemark/storage";
import { azuriteServer, swiftServer, type TestServer, testServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkWhole, withRestored } from "./backup/restored-server.fixture.ts";
import { engineRig } from "./engine-rig.ts";

interface StoreOfTest extends AsyncDisposable {
  readonly store: ObjectStore;
}

/** A real PostgreSQL kept in each kind of object store, and got back from it. Null: the store is not installed here. */
const stores: Readonly<Record<string, () => Promise<StoreOfTest | null>>> = {
  "OpenStack Swift over S3": inS3,
  "Azure Blob": inAzure,
};

async function inS3(): Promise<StoreOfTest | null> {
  const server = await swiftServer();
  if (server === null) return null;
  const url = (await server.newBucket("backups")).at("vault");
  const secretAccessKey = new Secret(server.secretAccessKey);
  const { accessKeyId } = server;
  return await opened(server, url, { kind: "s3-keys", accessKeyId, secretAccessKey, sessionToken: null });
}

async function inAzure(): Promise<StoreOfTest> {
  const server = await azuriteServer();
  const url = (await server.newContainer("backups")).at("vault");
  return await opened(server, url, { kind: "azure-key", accountKey: new Secret(server.accountKey) });
}

async function opened(server: AsyncDisposable, url: string, credentials: StoreCredentials): Promise<StoreOfTest> {
  const store = new RetryingStore(await openStore(url, { credentials }));
  return { store, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const rows = "SELECT count(*)::int AS count, md5(string_agg(id || body, ',' ORDER BY id)) AS digest FROM t";

describe("a server kept in an object store", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await testServer({ major: 17, settings: { summarize_wal: "on" } });
    await server.query("CREATE TABLE t AS SELECT g AS id, md5(g::text) AS body FROM generate_series(1, 60000) g");
    await server.query("CREATE INDEX ON t (id)");
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  it.each(Object.keys(stores))("%s: a full, what changed, and both come back", async (name) => {
    await using place = (await stores[name]?.()) ?? null;
    if (place === null) return;
    await using rig = await engineRig({ store: place.store });
    const [before] = await server.query(rows);
    const full = await rig.backup(server.dsn());
    await server.query("UPDATE t SET body = 'changed' WHERE id % 100 = 0");
    const [now] = await server.query(rows);
    const next = await rig.backup(server.dsn());
    expect(await rig.verify(next.backupId)).toMatchObject({ ok: true, problems: [] });
    for (const [backup, expected] of [
      [full, before],
      [next, now],
    ] as const) {
      await withRestored({ rig, server, backupId: backup.backupId, name: backup.backupId }, async (query) => {
        expect(await query(rows)).toEqual([expected]);
        await checkWhole(query);
      });
    }
    await rig.area.deleteBackup(full.backupId);
    expect((await rig.area.listBackups()).map(({ backupId }) => backupId)).toEqual([next.backupId]);
    await server.query("UPDATE t SET body = md5(id::text)");
  });
});
