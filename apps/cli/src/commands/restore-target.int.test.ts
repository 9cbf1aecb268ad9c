import { randomBytes } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createBackupEncoder, takeBackup } from "@tidemark/engine";
import { newId, systemClock } from "@tidemark/kit";
import { parseDsn, ReplicationSession } from "@tidemark/postgres";
import { newRepositoryKey } from "@tidemark/repository";
import { adoptCluster, type TestServer, tempDir, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildProgram } from "../program.ts";
import { captureOutput } from "../test-output.ts";
import { type WalHost, walHost } from "../wal-host.fixture.ts";

/** A server that pushes its WAL; a transaction among others is where to go back to. */
describe("restore direct to a point in time", () => {
  let host: WalHost;
  let server: TestServer;
  let keyFile: string;
  let xid: string;

  beforeAll(async () => {
    const key = newRepositoryKey(randomBytes);
    host = await walHost(key);
    keyFile = host.dir.join("direct.key");
    await writeFile(keyFile, key.text.reveal());
    await host.startAgent();
    const settings = { archive_mode: true, archive_command: host.archiveCommand };
    server = await testServer({ major: 18, walSegmentSizeMb: 1, settings });
    await server.query("CREATE TABLE ledger (id integer PRIMARY KEY)");
    await backup();
    for (const id of [1, 2, 3, 4, 5]) {
      const [row] = await server.query<{ xid: string }>(
        "WITH row AS (INSERT INTO ledger VALUES ($1)) SELECT pg_current_xact_id()::text AS xid",
        [id],
      );
      if (id === 3) xid = row?.xid ?? "";
    }
    const [row] = await server.query<{ name: string }>("SELECT pg_walfile_name(pg_switch_wal()) AS name");
    const status = join(server.dataDir, "pg_wal", "archive_status");
    await waitFor(async () => (await readdir(status)).includes(`${row?.name}.done`), { what: "the last segment" });
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await host?.[Symbol.asyncDispose]();
  });

  async function backup(): Promise<void> {
    const repository = await host.repository();
    const encoder = createBackupEncoder({ threads: 1 });
    const connect = (signal: AbortSignal) => ReplicationSession.connect(parseDsn(server.dsn()), { signal });
    const request = { backupId: newId("backup"), serverName: "orders", label: "direct", checkpoint: "fast" } as const;
    await takeBackup(
      { area: repository.area("srv_host"), source: { kind: "stream", connect }, encoder, clock: systemClock },
      { ...request, maxRateKib: null, systemIdentifierChangeConfirmed: false },
      { signal: new AbortController().signal, emit: () => undefined },
    );
    await encoder.close();
    await repository.close();
  }

  async function direct(to: string, ...flags: readonly string[]) {
    const { output, written, noted } = captureOutput("json");
    const program = buildProgram({
      environment: {},
      stdinIsTerminal: false,
      clock: systemClock,
      bytes: { isTerminal: false, write: async () => undefined },
      output: () => output,
    });
    const where = ["--repository", host.repositoryFolder, "--key-file", keyFile, "--server", "orders", "--to", to];
    const owner = process.getuid?.() === 0 ? ["--owner", "postgres"] : [];
    expect(await program.run(["restore", "direct", ...where, ...owner, ...flags])).toBe(0);
    return { answer: JSON.parse(written()) as Record<string, unknown>, noted: noted() };
  }

  async function recoveredRows(dataDir: string): Promise<readonly unknown[]> {
    await using dir = await tempDir("direct");
    await using restored = await adoptCluster(dir, server, { dataDir });
    const question = "SELECT pg_is_in_recovery() AS yes";
    await waitFor(async () => (await restored.query<{ yes: boolean }>(question))[0]?.yes === false, {
      what: "its end",
    });
    return (await restored.query("SELECT id FROM ledger ORDER BY id")).map(({ id }) => id);
  }

  it("puts the WAL into the directory, which then needs nobody", async () => {
    const dataDir = host.dir.join("copied");
    const { answer, noted } = await direct(dataDir, "--target-xid", xid, "--target-exclusive");
    expect(answer).toMatchObject({ state: "restored", recovery: { state: "when-started", timeline: 1 } });
    expect(noted).toMatch(/recovers to just before the end of transaction \d+ on timeline 1, then is promoted/);
    expect(noted).toMatch(/takes .* reckoned from sizes/);
    expect(await recoveredRows(dataDir)).toEqual([1, 2]);
  });

  it("lets the restored server fetch its WAL through the host's settings", async () => {
    const dataDir = host.dir.join("fetched");
    await direct(dataDir, "--target-xid", xid, "--wal", "fetch", "--wal-config", host.config);
    const path = join(dataDir, "postgresql.auto.conf");
    const auto = await readFile(path, "utf8");
    const program = resolve(import.meta.dirname, "../../bin/tidemark");
    expect(auto).toContain(`restore_command = '${program} wal fetch --config ${host.config} "%f" "%p"'`);
    // PostgreSQL's account may not be able to enter the clone.
    await writeFile(path, auto.replaceAll(program, host.dir.join("tidemark")));
    expect(await readdir(join(dataDir, "pg_wal"))).not.toContain("tidemark");
    expect(await recoveredRows(dataDir)).toEqual([1, 2, 3]);
    expect(await host.nodeStarts()).toEqual([]);
  });

  it("writes nothing for a target that is not there", async () => {
    const refused = direct(host.dir.join("never"), "--target-time", "2099-01-01T00:00:00Z");
    await expect(refused).rejects.toMatchObject({ code: "target-unreachable" });
    await expect(refused).rejects.toThrow(/last instant/);
    await expect(direct(host.dir.join("never"), "--target-name", "nowhere")).rejects.toMatchObject({
      code: "target-unreachable",
    });
    expect(await readdir(host.dir.path)).not.toContain("never");
  });
});
