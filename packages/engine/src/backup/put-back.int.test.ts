import { execFile } from "node:child_process";
import { rename, rm } from "node:fs/promises";
import { promisify } from "node:util";
import { type TestServer, testServer } from "@tidemark/testkit";
import { expect, it } from "vitest";
import { engineRig } from "../engine-rig.ts";

it("reads everything of a server that was put back to a snapshot from before its last backup", async () => {
  await using rig = await engineRig();
  const settings = { autovacuum: false, summarize_wal: true };
  await using server = await testServer({ major: 18, settings });
  await server.query("CREATE TABLE kept AS SELECT g AS id, 'true' AS body FROM generate_series(1, 2000) g");
  await putBack(server, async () => {
    await server.query("UPDATE kept SET body = 'never' WHERE id % 200 = 3");
    await rig.backup(server.dsn());
  });
  // The same timeline, past where that backup ended, and not one word about the rows above.
  await server.query("CREATE TABLE other AS SELECT g AS id FROM generate_series(1, 1000) g");
  for (let turn = 0; turn < 6; turn++) {
    await server.query("INSERT INTO other VALUES (0)");
    await server.query("SELECT pg_switch_wal()");
  }
  await server.query("CHECKPOINT");

  const backup = await rig.backup(server.dsn());
  const reason = expect.stringMatching(/^the server made no checkpoint at .*, where the last backup began/);
  expect(backup.facts?.reading).toEqual({ kind: "full", reason });
  // From there on all is as it should be.
  expect((await rig.backup(server.dsn())).facts?.reading).toMatchObject({ kind: "incremental" });
});

/** Undoes on the server's disk whatever happens meanwhile. */
async function putBack(server: TestServer, meanwhile: () => Promise<void>): Promise<void> {
  const snapshot = `${server.dataDir}.snapshot`;
  await server.stop();
  await promisify(execFile)("cp", ["-a", server.dataDir, snapshot]);
  await server.start();
  await meanwhile();
  await server.stop();
  await rm(server.dataDir, { recursive: true });
  await rename(snapshot, server.dataDir);
  await server.start();
}
