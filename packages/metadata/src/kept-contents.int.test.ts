import { newId } from "@tidemark/kit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type TestMetadata, testMetadata } from "./test-database.ts";

let database: TestMetadata;

beforeAll(async () => {
  database = await testMetadata();
});
afterAll(() => database[Symbol.asyncDispose]());

it("empties the contents of server files an hour after they were brought, and nothing else", async () => {
  const { metadata } = database;
  const seed = await database.seed();
  const workerId = newId("worker");
  await metadata.workers.register({ id: workerId, hostname: "h", pid: 1, version: "0.1.0", restoreRoots: [] });
  const finished = async (result: object) => {
    const request = { serverId: seed.serverId, act: { kind: "switch-wal" } };
    const { run } = await metadata.runs.create({
      kind: "server-act",
      request,
      requestedBy: "user:a",
      serverId: seed.serverId,
    });
    await metadata.runs.claim(run.id, workerId);
    await metadata.runs.finish(run.id, { state: "succeeded", result });
    return run.id;
  };
  const chunk = { kind: "read-file", path: "PG_VERSION", sealedBytes: "c2VhbGVk", atEnd: true };
  const old = await finished(chunk);
  const other = await finished({ kind: "switch-wal", closedFile: null });
  await database.server.query("UPDATE run SET finished_at = finished_at - interval '2 hours'", [], {
    database: "tidemark",
  });
  const fresh = await finished(chunk);
  expect(await metadata.runs.forgetFileContents(3_600_000)).toBe(1);
  expect(await metadata.runs.forgetFileContents(3_600_000)).toBe(0);
  const results = (await metadata.runs.getMany([old, other, fresh])).map((run) => [run.id, run.result]);
  expect(Object.fromEntries(results)).toEqual({
    [old]: { ...chunk, sealedBytes: "" },
    [other]: { kind: "switch-wal", closedFile: null },
    [fresh]: chunk,
  });
});
