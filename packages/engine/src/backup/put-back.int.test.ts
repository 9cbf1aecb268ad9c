import { execFile } from "node:child_process";
import { rename, rm } from "node:fs/promises";
import { promisify } from "node:util";
import { type TestServer, testServer } from "@tidemark/testkit";
import { expect, it } from "vitest";
import { engineRig, filesFrom, streamFrom } from "../engine-rig.ts";

const settings = { autovacuum: false, summarize_wal: true };

it("reads everything of a server that was put back to a snapshot from before its last backup", async () => {
  await using rig = await engineRig();
  await using server = await testServer({ major: 18, settings });
  await server.query("CREATE TABLE kept AS SELECT g AS id, 'true' AS body FROM generate_series(1, 2000) g");
  await server.stop();
  const snapshot = await copyOf(server);
  await server.start();
  await server.query("UPDATE kept SET body = 'never' WHERE id % 200 = 3");
  await rig.backup(server.dsn());
  await putBack(server, snapshot);
  await goOn(server);

  const backup = await rig.backup(server.dsn());
  const reason = expect.stringMatching(/^the server made no checkpoint at .*, where the last backup began/);
  expect(backup.facts?.reading).toEqual({ kind: "full", reason });
  // From there on all is as it should be.
  expect((await rig.backup(server.dsn())).facts?.reading).toMatchObject({ kind: "incremental" });
});

it.each([
  ["stream", 18, true],
  ["files", 17, false],
] as const)(
  "reads everything of a server that was put back to a snapshot from the midst of its last backup (%s, %i)",
  async (kind, major, checksums) => {
    await using rig = await engineRig();
    await using server = await testServer({ major, settings, checksums });
    // Tablespaces are sent first; this is more than sockets hold, so the server waits there for us.
    await server.createTablespace("early");
    await server.query(
      "CREATE TABLE filler TABLESPACE early AS SELECT repeat('x', 1800) AS body FROM generate_series(1, 12000) g",
    );
    await server.query("CREATE TABLE kept AS SELECT g AS id, 'true' AS body FROM generate_series(1, 2000) g");
    await server.query("VACUUM FREEZE kept");
    let snapshot: string | null = null;
    const onStep = async (step: string) => {
      if (step !== "backup:before-first-file" || snapshot !== null) return;
      await server.query("CHECKPOINT");
      snapshot = await copyOf(server);
      await server.query("UPDATE kept SET body = 'never' WHERE id % 200 = 3");
      await server.query("CHECKPOINT");
    };
    const source = kind === "stream" ? streamFrom(server.dsn()) : filesFrom(server.dsn());
    await rig.backupFrom(source, {}, rig.control({ onStep }));
    await putBack(server, snapshot ?? "");
    await goOn(server);

    const backup = await rig.backup(server.dsn());
    const reason = expect.stringMatching(
      /^block \d+ of base\/5\/\d+ was written while the last backup ran, and no WAL/,
    );
    expect(backup.facts?.reading).toEqual({ kind: "full", reason });
    expect((await rig.backup(server.dsn())).facts?.reading).toMatchObject({ kind: "incremental" });
  },
);

/** The data directory as it lies on the disk; of a running server right after a checkpoint, with nobody at work. */
async function copyOf(server: TestServer): Promise<string> {
  const snapshot = `${server.dataDir}.snapshot`;
  await promisify(execFile)("cp", ["-a", server.dataDir, snapshot]);
  await rm(`${snapshot}/postmaster.pid`, { force: true });
  return snapshot;
}

async function putBack(server: TestServer, snapshot: string): Promise<void> {
  await server.stop();
  await rm(server.dataDir, { recursive: true });
  await rename(snapshot, server.dataDir);
  await server.start();
}

/** The same timeline, past where the last backup ended, and not one word about the rows it holds. */
async function goOn(server: TestServer): Promise<void> {
  await server.query("CREATE TABLE other AS SELECT g AS id FROM generate_series(1, 1000) g");
  for (let turn = 0; turn < 6; turn++) {
    await server.query("INSERT INTO other VALUES (0)");
    await server.query("SELECT pg_switch_wal()");
  }
  await server.query("CHECKPOINT");
}
