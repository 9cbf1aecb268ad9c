import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { archiveModule, serverFolder, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { expect, it } from "vitest";
import { coldCopy, walHost } from "./wal-host.fixture.ts";

async function write(server: TestServer, rows: number): Promise<void> {
  await server.query("INSERT INTO ledger (text) SELECT repeat(md5(g::text), 8) FROM generate_series(1, $1::int) g", [
    rows,
  ]);
  await server.query("SELECT pg_switch_wal()");
}

async function archived(server: TestServer): Promise<void> {
  const folder = join(server.dataDir, "pg_wal", "archive_status");
  const isReady = async () => (await readdir(folder)).some((name) => name.endsWith(".ready"));
  await waitFor(async () => !(await isReady()), { what: "all files archived", timeoutMs: 90_000 });
}

async function sumOf(server: TestServer): Promise<string> {
  const [row] = await server.query<{ sum: string }>(
    "SELECT count(*) || ' ' || md5(string_agg(id || text, ',' ORDER BY id)) AS sum FROM ledger",
  );
  return row?.sum ?? "";
}

it("brings a server back from what its archive module gave to the agent, one that was killed meanwhile", async () => {
  await using host = await walHost();
  const first = await host.startAgent();
  const archive_library = await archiveModule(18, await serverFolder(host.dir, "module"));
  await using server = await testServer({
    major: 18,
    walSegmentSizeMb: 1,
    settings: {
      archive_mode: "on",
      archive_library,
      "tidemark_archive.socket": join(host.spool, "agent.sock"),
      max_wal_size: "64MB",
    },
  });
  await server.query("CREATE TABLE ledger (id bigserial PRIMARY KEY, text text)");
  await server.stop();
  const base = await coldCopy(host, server);
  await server.start();
  await write(server, 20_000);
  await first.kill();
  await write(server, 5_000);
  const second = await host.startAgent();
  await write(server, 100);
  await archived(server);

  const sum = await sumOf(server);
  const [stats] = await server.query<{ count: number }>("SELECT archived_count::int AS count FROM pg_stat_archiver");
  expect(stats?.count).toBeGreaterThan(6);
  await server.stop();
  await using copy = await host.recover(server, base, "copy", { archive_library: "", "tidemark_archive.socket": "" });
  await waitFor(
    async () => (await copy.query<{ busy: boolean }>("SELECT pg_is_in_recovery() AS busy"))[0]?.busy === false,
    { what: "the end of the recovery", timeoutMs: 90_000 },
  );
  expect(await sumOf(copy)).toBe(sum);
  await second.stop();
});
