import { parseRunRequest } from "@tidemark/jobs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { seedBackup, type TestApi, testApi } from "./test-api.ts";

let api: TestApi;
let seeded: Awaited<ReturnType<typeof seedBackup>>;

beforeAll(async () => {
  api = await testApi();
  seeded = await seedBackup(api.metadata);
});
afterAll(async () => await api[Symbol.asyncDispose]());

const bytes = `sizes { totalBytes newBytes referencedBytes carriedBytes zeroBytes readBytes sentBytes storedBytes }
  places { backupId own packs bytes backup { id } } reading { kind reason fromBackupId resentFiles resentBytes }
  trust { round findings { path blocks older } } coverage { storedShare wholeShare wholeSince }`;

it("tells where a backup's bytes came from and live in the same numbers in both faces", async () => {
  const { newer, older } = seeded;
  const at = "2026-03-01T00:00:00.000Z";
  await api.metadata.backups.update(newer.id, {
    sizeBytes: 1000n,
    newBytes: 100n,
    // In the row: read again and carried together.
    referencedBytes: 850n,
    carriedBytes: 650n,
    zeroBytes: 50n,
    readBytes: 350n,
    sentBytes: 360n,
    storedBytes: 40n,
    places: [
      { backupId: older.id, packs: 2, bytes: "850" },
      { backupId: newer.id, packs: 1, bytes: "100" },
    ],
    reading: { kind: "incremental", fromBackupId: older.id, fromLsn: "0/1000028", resentFiles: 3, resentBytes: "70" },
    trust: { round: 3, findings: [{ path: "base/5/1259", blocks: [7], older: "server" }] },
    coverage: { storedShare: 1, wholeShare: 0.5, storedSince: at, wholeSince: at },
  });
  const answer = await api.graphql(`query ($id: ID!) { backup(id: $id) { ${bytes} } }`, { id: newer.id });
  const { sizes, places, reading, trust, coverage } = answer.data.backup;
  expect(sizes).toEqual({
    totalBytes: "1000",
    newBytes: "100",
    referencedBytes: "200",
    carriedBytes: "650",
    zeroBytes: "50",
    readBytes: "350",
    sentBytes: "360",
    storedBytes: "40",
  });
  expect(places).toEqual([
    { backupId: older.id, own: false, packs: 2, bytes: "850", backup: { id: older.id } },
    { backupId: newer.id, own: true, packs: 1, bytes: "100", backup: { id: newer.id } },
  ]);
  expect(reading).toMatchObject({ kind: "INCREMENTAL", reason: null, fromBackupId: older.id, resentBytes: "70" });
  expect(trust).toEqual({ round: 3, findings: [{ path: "base/5/1259", blocks: [7], older: "SERVER" }] });
  expect(coverage).toMatchObject({ storedShare: 1, wholeShare: 0.5 });
  const { body } = await api.rest("GET", `/api/v1/backups/${newer.id}`);
  expect(body).toMatchObject({ sizes, coverage: { wholeShare: 0.5 }, reading: { kind: "incremental" } });
  const server = await api.graphql(
    "query ($id: ID) { server(id: $id) { coverage { wholeShare wholeSince } copyLag { late } } }",
    {
      id: seeded.server.id,
    },
  );
  // Nobody has looked at what is verified of the older one.
  expect(server.data.server).toEqual({ coverage: { wholeShare: 0, wholeSince: null }, copyLag: null });
});

it("says that a full one was asked for where nothing else stood against reading less", async () => {
  const payload = await api.mutate(
    "takeBackup",
    { serverId: seeded.server.id, reading: "FULL" },
    "backup { id } run { id }",
  );
  const run = await api.metadata.runs.get(payload.run.id);
  expect(parseRunRequest("backup", run?.request)).toMatchObject({ reading: "full" });
  await api.metadata.backups.update(payload.backup.id, { reading: { kind: "full", reason: null } });
  const answer = await api.graphql("query ($id: ID!) { backup(id: $id) { reading { kind reason } } }", {
    id: payload.backup.id,
  });
  expect(answer.data.backup.reading).toEqual({ kind: "FULL", reason: "a full one was asked for" });
  const reading = { kind: "full", reason: "a full one was asked for" };
  const { body } = await api.rest("GET", `/api/v1/backups/${payload.backup.id}`);
  expect(body).toMatchObject({ reading });
  const list = await api.rest("GET", `/api/v1/backups?serverId=${seeded.server.id}`);
  expect(list.body).toMatchObject({ items: expect.arrayContaining([expect.objectContaining({ reading })]) });
});

it("verifies all of a server's backups, and only where they or their copies are", async () => {
  const { server, repository } = seeded;
  const payload = await api.mutate(
    "verifyArea",
    { serverId: server.id, tier: "STORED", part: 3, parts: 28 },
    "run { id kind backup { id } }",
  );
  expect(payload.run).toMatchObject({ kind: "VERIFY", backup: null });
  const run = await api.metadata.runs.get(payload.run.id);
  expect(parseRunRequest("verify", run?.request)).toEqual({
    serverId: server.id,
    backupId: null,
    repositoryId: repository.id,
    tier: "stored",
    subset: { part: 3, of: 28 },
  });
  const elsewhere = await api.mutate("verifyArea", { serverId: server.id, repositoryId: "rep_0" }, "run { id }");
  expect(elsewhere.userErrors[0]).toMatchObject({ code: "bad-request", field: ["repositoryId"] });
});
