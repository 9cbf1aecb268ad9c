import { execFile } from "node:child_process";
import { cp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { newRepositoryKey, type Repository, type RepositoryKey } from "@tidemark/repository";
import { adoptCluster, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { coldCopy, type WalHost, walHost } from "./wal-host.fixture.ts";

const run = promisify(execFile);

/** A key file of its own for each number. */
function keyFile(byte: number): RepositoryKey & { readonly kind: "key-file" } {
  const { text } = newRepositoryKey((length) => new Uint8Array(length).fill(byte));
  return { kind: "key-file", text };
}

/** Servers with segments of 1 MiB: many for little writing. */
async function archivingServer(host: WalHost, major: 13 | 15 | 18 = 18): Promise<TestServer> {
  const server = await testServer({
    major,
    walSegmentSizeMb: 1,
    settings: { archive_mode: "on", archive_command: host.archiveCommand, max_wal_size: "64MB" },
  });
  await server.query("CREATE TABLE ledger (id int PRIMARY KEY, text text)");
  return server;
}

async function fill(server: TestServer, from: number, rows: number): Promise<void> {
  await server.query("INSERT INTO ledger SELECT g, repeat(md5(g::text), 8) FROM generate_series($1::int, $2::int) g", [
    from,
    from + rows - 1,
  ]);
}

/** Switches to the next segment and waits until the one before is archived. */
async function archived(server: TestServer): Promise<void> {
  // Without a record in it there is no switch, and nothing tells an archiver that rests a minute after a failure.
  await server.query("SELECT pg_create_restore_point('switch')");
  const [row] = await server.query<{ name: string }>("SELECT pg_walfile_name(pg_switch_wal()) AS name");
  const name = row?.name ?? "";
  await waitFor(
    async () => {
      const files = await readdir(join(server.dataDir, "pg_wal", "archive_status"));
      return !files.some((file) => file.endsWith(".ready") && file <= `${name}.ready`);
    },
    { what: `${name} to be archived`, timeoutMs: 120_000 },
  );
}

/** Writes into a segment and leaves it; its name. */
async function switched(server: TestServer, from: number): Promise<string> {
  await fill(server, from, 10);
  const [row] = await server.query<{ name: string }>("SELECT pg_walfile_name(pg_switch_wal()) AS name");
  return row?.name ?? "";
}

async function rowsOf(server: TestServer): Promise<string> {
  const [row] = await server.query<{ sum: string }>(
    "SELECT count(*) || ' ' || coalesce(md5(string_agg(id || text, ',' ORDER BY id)), '') AS sum FROM ledger",
  );
  return row?.sum ?? "";
}

async function recovered(server: TestServer): Promise<void> {
  await waitFor(
    async () => (await server.query<{ on: boolean }>("SELECT pg_is_in_recovery() AS on"))[0]?.on === false,
    { what: "the end of the recovery", timeoutMs: 60_000 },
  );
}

async function segmentsIn(host: WalHost): Promise<readonly string[]> {
  const repository: Repository = await host.repository();
  try {
    const area = repository.area("srv_host");
    const names: string[] = [];
    for (const identifier of await area.walIdentifiers()) {
      for await (const entry of area.wal(identifier).list()) names.push(entry.name);
    }
    return names;
  } finally {
    await repository.close();
  }
}

describe("archiving and fetching on the host of a server", () => {
  const open: AsyncDisposable[] = [];
  const use = <T extends AsyncDisposable>(one: T): T => {
    open.push(one);
    return one;
  };
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
  });

  it.each([13, 15, 18] as const)(
    "brings a server of version %i back from what it pushed, without starting Node",
    async (major) => {
      const host = use(await walHost());
      const agent = await host.startAgent();
      const server = use(await archivingServer(host, major));
      await server.stop();
      const base = await coldCopy(host, server);
      await server.start();
      await fill(server, 1, 500);
      // Idle: a forced switch of an almost empty segment. Loaded: a dozen at once.
      await archived(server);
      await archived(server);
      await fill(server, 1_000, 20_000);
      await archived(server);
      const [stats] = await server.query<{ failed: number; count: number }>(
        "SELECT failed_count::int AS failed, archived_count::int AS count FROM pg_stat_archiver",
      );
      expect(stats?.failed).toBe(0);
      expect(stats?.count).toBeGreaterThan(6);
      const sum = await rowsOf(server);
      await server.stop();
      const copy = use(await host.recover(server, base, "copy"));
      await recovered(copy);
      expect(await rowsOf(copy)).toBe(sum);
      expect(await host.nodeStarts()).toEqual([]);
      await agent.stop();
      expect((await readdir(host.spool)).sort()).toEqual(["answer", "lock.1", "pushed", "want"]);
    },
  );

  it("archives into an encrypted repository and recovers from it with a key that opens nothing but this WAL", async () => {
    const [key, hostKey] = [keyFile(1), keyFile(2)];
    const host = use(await walHost(key, hostKey));
    const agent = await host.startAgent();
    const server = use(await archivingServer(host));
    await server.stop();
    const base = await coldCopy(host, server);
    await server.start();
    await fill(server, 1, 8_000);
    await archived(server);
    await fill(server, 10_000, 500);
    await archived(server);
    const [last = ""] = (await segmentsIn(host)).slice(-1);
    const sum = await rowsOf(server);
    await server.stop();
    // Without the agent, too: one push and one fetch by a process of their own.
    await agent.stop();
    const wal = join(server.dataDir, "pg_wal");
    const [own = ""] = (await readdir(wal)).filter((name) => /^[0-9A-F]{24}$/.test(name)).sort();
    expect(await host.command(server.dataDir, "wal", "push", `pg_wal/${own}`)).toEqual({ code: 0, said: "" });
    const fetch = (name: string) => host.command(server.dataDir, "wal", "fetch", name, "pg_wal/RECOVERYXLOG");
    expect(await fetch(last)).toEqual({ code: 0, said: "" });
    expect((await fetch("0000000100000000000000FF")).code).toBe(1);

    const again = await host.startAgent();
    const copy = use(await host.recover(server, base, "copy"));
    await recovered(copy);
    expect(await rowsOf(copy)).toBe(sum);
    await again.stop();

    // What others store after a rotation is neither "not there" nor given: the recovery is stopped, and says what to do.
    const whole = await host.repository();
    const plan = await whole.keys?.planRotation([]);
    if (plan !== undefined) await whole.keys?.rotate(plan, []);
    const archive = whole.area("srv_host").wal((await whole.area("srv_host").walIdentifiers())[0] ?? 0n);
    await archive.putHistory(9, Buffer.from("1\t0/300000\tno recovery target specified\n"));
    // Two more segments, which nobody archives: of one somebody else is quicker.
    await server.start({ settings: { archive_mode: "on", archive_command: "false", max_wal_size: "64MB" } });
    // What was pushed of the segment it stopped in is another's by now.
    await switched(server, 20_000);
    const [taken, free] = [await switched(server, 30_000), await switched(server, 40_000)];
    await server.stop();
    const bytes = await readFile(join(wal, taken));
    const startLsn = bytes.readBigUInt64LE(8);
    const place = { timeline: 1, startLsn, sizeBytes: bytes.length };
    const body = (async function* () {
      yield bytes;
    })();
    expect(await archive.putSegment(place, body, null)).toBe("stored");
    await whole.close();
    const push = (name: string) => host.command(server.dataDir, "wal", "push", `pg_wal/${name}`);
    const kept = await push(taken);
    expect([kept.code, kept.said]).toEqual([1, expect.stringMatching(/wal-key-missing.*host-config SERVER.*keeps/s)]);
    expect(await push(free)).toEqual({ code: 0, said: "" });
    expect(await fetch(free)).toEqual({ code: 0, said: "" });
    const refused = await fetch("00000009.history");
    expect(refused.code).toBeGreaterThan(125);
    expect(refused.said).toMatch(/wal-key-missing.*host-config/s);
    expect(await fetch(last)).toEqual({ code: 0, said: "" });
    // And nothing but WAL: not the place of another server, no backup, no list of them.
    await host.settings({
      serverId: "srv_other",
      repository: { url: host.repositoryFolder, key: hostKey.text.reveal() },
    });
    const foreign = await host.command(server.dataDir, "wal", "push", `pg_wal/${own}`);
    expect([foreign.code, foreign.said]).toEqual([1, expect.stringContaining("repository-key-scope")]);
    const keyPath = host.dir.join("host.key");
    await writeFile(keyPath, hostKey.text.reveal());
    for (const act of [
      ["restore", "direct", "--server", "shop", "--to", host.dir.join("restored")],
      ["catalog", "list"],
    ]) {
      const place = ["--repository", host.repositoryFolder, "--key-file", keyPath];
      const answer = await host.command(server.dataDir, ...act, ...place);
      expect([answer.code === 0, answer.said]).toEqual([false, expect.stringContaining("repository-key-scope")]);
    }
  });

  it("loses nothing when the agent is killed again and again under load, and nothing is stored twice", async () => {
    const host = use(await walHost());
    const server = use(await archivingServer(host));
    await server.stop();
    const base = await coldCopy(host, server);
    await server.start();
    const rounds = Number(process.env.TIDEMARK_TEST_AGENT_KILLS ?? 3);
    for (let round = 0; round < rounds; round++) {
      const agent = await host.startAgent();
      const before = (await segmentsIn(host)).length;
      await fill(server, round * 10_000, 8_000);
      await server.query("SELECT pg_switch_wal()");
      await waitFor(async () => (await segmentsIn(host)).length > before, {
        what: "a push",
        everyMs: 5,
        timeoutMs: 90_000,
      });
      await agent.kill();
    }
    const agent = await host.startAgent();
    await archived(server);
    const sum = await rowsOf(server);
    const names = await segmentsIn(host);
    expect(new Set(names).size).toBe(names.length);
    await server.stop();
    const copy = use(await host.recover(server, base, "copy"));
    await recovered(copy);
    expect(await rowsOf(copy)).toBe(sum);
    await agent.stop();
  });

  it("tells the server to keep its WAL while the repository is away, and goes on when it is back", async () => {
    const host = use(await walHost());
    const agent = await host.startAgent();
    const server = use(await archivingServer(host));
    await archived(server);
    await rename(host.repositoryFolder, `${host.repositoryFolder}-away`);
    await fill(server, 1, 8_000);
    await server.query("SELECT pg_switch_wal()");
    await waitFor(
      async () =>
        (await server.query<{ n: number }>("SELECT failed_count::int AS n FROM pg_stat_archiver"))[0]?.n !== 0,
      { what: "a push to fail", timeoutMs: 60_000 },
    );
    await rename(`${host.repositoryFolder}-away`, host.repositoryFolder);
    await archived(server);
    await agent.stop();
  });

  it("refuses the other bytes of a second server with the same identifier, and keeps the first one's", async () => {
    const host = use(await walHost());
    const agent = await host.startAgent();
    const server = use(await archivingServer(host));
    await server.stop();
    const twinDir = host.dir.join("twin");
    await cp(server.dataDir, twinDir, { recursive: true });
    await server.start();
    await fill(server, 1, 500);
    await archived(server);
    const before = await segmentsIn(host);
    const twin = use(await adoptCluster(host.dir, server, { dataDir: twinDir }));
    await fill(twin, 5_000, 700);
    await twin.query("SELECT pg_switch_wal()");
    await waitFor(
      async () => (await twin.query<{ n: number }>("SELECT failed_count::int AS n FROM pg_stat_archiver"))[0]?.n !== 0,
      { what: "the twin's push to be refused" },
    );
    expect(await segmentsIn(host)).toEqual(before);
    expect(await readFile(`${twinDir}.log`, "utf8")).toContain("wal-conflict");
    const log = await readFile(`${server.dataDir}.log`, "utf8");
    expect(log).not.toContain("wal-conflict");
    await agent.stop();
  });

  it("pushes and fetches without an agent, two at a time for one file, and says what PostgreSQL must hear", async () => {
    const host = use(await walHost());
    const server = use(await testServer({ walSegmentSizeMb: 1 }));
    await server.query("CREATE TABLE more AS SELECT g, repeat('x', 500) FROM generate_series(1, 5000) g");
    const wal = join(server.dataDir, "pg_wal");
    // The one it writes last is not recycled when it stops.
    await server.stop();
    const [name = ""] = (await readdir(wal)).filter((file) => /^[0-9A-F]{24}$/.test(file)).sort();
    const push = (path = `pg_wal/${name}`) => host.command(server.dataDir, "wal", "push", path);
    const both = await Promise.all([push(), push()]);
    expect(both).toEqual([
      { code: 0, said: "" },
      { code: 0, said: "" },
    ]);
    expect(await segmentsIn(host)).toEqual([name]);
    const fetch = (file: string, ...more: string[]) =>
      host.command(server.dataDir, "wal", "fetch", ...more, file, "pg_wal/RECOVERYXLOG");
    expect(await fetch(name)).toEqual({ code: 0, said: "" });
    const fetched = await readFile(join(wal, "RECOVERYXLOG"));
    expect(fetched.equals(await readFile(join(wal, name)))).toBe(true);
    expect((await fetch("0000000100000000000000FF")).code).toBe(1);
    expect((await fetch("00000002.history")).code).toBe(1);

    // Other bytes under the name, a damaged header, another name.
    const bytes = await readFile(join(wal, name));
    await writeFile(join(wal, name), Buffer.concat([bytes.subarray(0, -1), Buffer.of((bytes.at(-1) ?? 0) ^ 1)]));
    const conflict = await push();
    expect(conflict.code).toBe(1);
    expect(conflict.said).toContain("wal-conflict");
    await writeFile(join(wal, name), Buffer.alloc(bytes.length));
    expect((await push()).said).toContain("wal-invalid");
    await writeFile(join(wal, "000000010000000000000001.txt"), "no");
    expect((await push("pg_wal/000000010000000000000001.txt")).code).toBe(1);

    // Away: never "not there", and no success.
    await rename(host.repositoryFolder, `${host.repositoryFolder}-away`);
    const away = await fetch(name);
    expect(away.code).toBeGreaterThan(125);
    const failed = await push();
    expect(failed.code).toBeGreaterThan(0);
    expect(failed.code).toBeLessThanOrEqual(125);
    await rename(`${host.repositoryFolder}-away`, host.repositoryFolder);

    // Of another cluster.
    await host.settings({ systemIdentifier: "7" });
    await writeFile(join(wal, name), bytes);
    expect((await push()).said).toContain("wal-foreign-server");
    // Settings that cannot be read are no "not there" either.
    await rm(host.config);
    expect((await fetch(name)).code).toBeGreaterThan(125);
  });

  it("gives with --partial the last seconds of a lost primary, and without it none of them", async () => {
    const host = use(await walHost());
    const agent = await host.startAgent();
    const server = use(await archivingServer(host));
    await server.stop();
    const base = await coldCopy(host, server);
    await server.start();
    await fill(server, 1, 500);
    await archived(server);
    const whole = await rowsOf(server);
    await fill(server, 1_000, 50);
    const sum = await rowsOf(server);
    const [row] = await server.query<{ name: string; offset: number; id: string }>(
      `SELECT pg_walfile_name(pg_current_wal_flush_lsn()) AS name, system_identifier::text AS id,
              (pg_current_wal_flush_lsn() - '0/0')::bigint % (1 << 20) AS offset FROM pg_control_system()`,
    );
    const name = row?.name ?? "";
    await server.stop({ mode: "immediate" });
    // As a receiver keeps it: pieces of a segment that will never be whole.
    const bytes = await readFile(join(server.dataDir, "pg_wal", name));
    const repository = await host.repository();
    const startLsn = BigInt(`0x${name.slice(16)}`) << 20n;
    const archive = repository.area("srv_host").wal(BigInt(row?.id ?? 0));
    const writer = await archive.beginSegment({ timeline: 1, startLsn, sizeBytes: 1 << 20 }, { writer: "receiver" });
    await writer.write(bytes.subarray(0, Number(row?.offset)));
    await writer.flush();
    await writer.abandon();
    await repository.close();

    // Stopped by itself: to throw it away would throw away the folder of all.
    const without = await host.recover(server, base, "without");
    try {
      await recovered(without);
      expect(await rowsOf(without)).toBe(whole);
    } finally {
      await without.stop();
    }
    const restoreCommand = host.restoreCommand.replace("wal fetch", "wal fetch --partial");
    const copy = use(await host.recover(server, base, "with", { restore_command: restoreCommand }));
    await recovered(copy);
    expect(await rowsOf(copy)).toBe(sum);
    expect(sum).not.toBe(whole);
    await agent.stop();
  });

  it("does not hold up the server's end while a fetch waits for a repository that is away", async () => {
    const host = use(await walHost());
    await host.settings({ retrySeconds: 3600 });
    const server = use(await archivingServer(host));
    const agent = await host.startAgent();
    await server.stop();
    const base = await coldCopy(host, server);
    await server.start();
    await fill(server, 1, 8_000);
    await archived(server);
    await server.stop();
    await rename(host.repositoryFolder, `${host.repositoryFolder}-away`);
    const dataDir = host.dir.join("waiting");
    await cp(base, dataDir, { recursive: true });
    await writeFile(join(dataDir, "standby.signal"), "");
    const waiting = use(
      await adoptCluster(host.dir, server, {
        dataDir,
        until: "spawned",
        settings: { archive_mode: "off", restore_command: host.restoreCommand, fsync: false },
      }),
    );
    await waitFor(async () => (await run("ps", ["-eo", "args"])).stdout.includes(`wal fetch --config ${host.config}`), {
      what: "a recovery that asks",
    });
    await waiting.stop({ mode: "fast", timeoutMs: 5_000 });
    await expect(stat(join(dataDir, "postmaster.pid"))).rejects.toMatchObject({ code: "ENOENT" });
    await rename(`${host.repositoryFolder}-away`, host.repositoryFolder);
    await agent.stop();
  });
});
