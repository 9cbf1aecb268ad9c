import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  archiveModule,
  findServerUser,
  giveTree,
  serverFolder,
  type TestServer,
  tempDir,
  testServer,
  waitFor,
} from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { StubAgent } from "./stub-agent.fixture.ts";

/** Files that are handed over while the archiver's memory is watched: all of them to the newest, fewer to the others. */
const leakFiles = Number(process.env.TIDEMARK_ARCHIVE_FILES ?? 10_000);
const filesFor = { 15: Math.min(leakFiles, 500), 17: Math.min(leakFiles, 500), 18: leakFiles };

interface Rig extends AsyncDisposable {
  readonly server: TestServer;
  readonly agent: StubAgent;
  readonly socket: string;
}

async function makeRig(major: 15 | 17 | 18): Promise<Rig> {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await tempDir(`archive-module-${major}`));
  const folder = await serverFolder(dir, "module");
  const archive_library = await archiveModule(major, folder);
  const socket = join(folder, "agent.sock");
  const agent = new StubAgent(socket);
  await agent.start();
  stack.defer(() => agent.stop());
  const settings = { archive_mode: "on", archive_library, log_min_messages: "warning" };
  const server = stack.use(await testServer({ major, walSegmentSizeMb: 1, settings }));
  const owned = stack.move();
  return { server, agent, socket, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Makes so many whole segments. */
async function makeSegments(server: TestServer, count: number): Promise<void> {
  for (let made = 0; made < count; made++) {
    await server.query("SELECT pg_create_restore_point('tide'), pg_switch_wal()");
  }
}

async function configure(server: TestServer, socket: string): Promise<void> {
  const session = await server.client();
  // 15 knows no setting of a module that is not loaded in the session.
  if (server.major === 15) {
    const { rows } = await session.query<{ library: string }>("SELECT current_setting('archive_library') AS library");
    await session.query(`LOAD '${rows[0]?.library}'`);
  }
  await session.query(`ALTER SYSTEM SET tidemark_archive.socket = '${socket}'`);
  await session.query("SELECT pg_reload_conf()");
  await session.end();
}

async function readyFiles(server: TestServer): Promise<string[]> {
  const names = await readdir(join(server.dataDir, "pg_wal", "archive_status"));
  return names.filter((name) => name.endsWith(".ready"));
}

async function awaitAllArchived(server: TestServer): Promise<void> {
  await waitFor(async () => (await readyFiles(server)).length === 0, { what: "all files archived", timeoutMs: 90_000 });
}

async function awaitLog(server: TestServer, text: RegExp): Promise<void> {
  await waitFor(async () => text.test(await server.cluster.readLog()), {
    what: `${text} in the log`,
    timeoutMs: 60_000,
  });
}

/** After three failures the archiver rests for a minute, unless there is something new. */
async function awaitAttempt(server: TestServer, isSeen: () => boolean | Promise<boolean>): Promise<void> {
  await waitFor(
    async () => {
      if (await isSeen()) return true;
      await makeSegments(server, 1);
      return false;
    },
    { what: "the archiver's next attempt", everyMs: 500, timeoutMs: 60_000 },
  );
}

async function archiverPid(server: TestServer): Promise<number> {
  const [row] = await server.query<{ pid: number }>("SELECT pid FROM pg_stat_activity WHERE backend_type = 'archiver'");
  return row?.pid ?? 0;
}

async function residentBytes(pid: number): Promise<number> {
  const [, kilobytes = "0"] = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) * 1024;
}

/** Files the server has archived for itself, without writing 10,000 segments. */
async function makeBackupFiles(server: TestServer, count: number): Promise<void> {
  const folder = join(server.dataDir, "pg_wal");
  for (let number = 0; number < count; number++) {
    const name = `0000000100000000000000A0.${number.toString(16).toUpperCase().padStart(8, "0")}.backup`;
    await writeFile(join(folder, name), "START WAL LOCATION: 0/A000028\n");
    await writeFile(join(folder, "archive_status", `${name}.ready`), "");
  }
  await giveTree(folder, await findServerUser());
}

describe.each([15, 17, 18] as const)("the archive module in PostgreSQL %i", (major) => {
  it("keeps WAL until it is told the socket, then hands every file over one connection", async () => {
    await using rig = await makeRig(major);
    const { server, agent } = rig;
    await makeSegments(server, 3);
    await awaitLog(
      server,
      /archiving is not configured[\s\S]*tidemark_archive\.socket|tidemark_archive\.socket[\s\S]*archiving is not configured/,
    );
    expect(agent.requests).toEqual([]);
    expect((await readyFiles(server)).length).toBeGreaterThanOrEqual(3);

    await configure(server, rig.socket);
    await awaitAllArchived(server);
    await makeSegments(server, 5);
    await awaitAllArchived(server);
    expect(agent.connections).toBe(1);
    expect(agent.requests.length).toBeGreaterThanOrEqual(8);
    for (const { name, path } of agent.requests) expect(path).toBe(join(server.dataDir, "pg_wal", name));
    const [row] = await server.query<{ failed: string }>("SELECT failed_count AS failed FROM pg_stat_archiver");
    expect(Number(row?.failed)).toBe(0);

    await configure(server, "not/absolute");
    await makeSegments(server, 1);
    await awaitLog(server, /"tidemark_archive\.socket" is no absolute path/);
    expect(await readyFiles(server)).not.toEqual([]);
    await configure(server, rig.socket);
    await awaitAllArchived(server);
  });

  it("keeps what a missing, refusing, mumbling or dying agent did not take, and stays the same process", async () => {
    await using rig = await makeRig(major);
    const { server, agent } = rig;
    await configure(server, rig.socket);
    await makeSegments(server, 1);
    await awaitAllArchived(server);
    const pid = await archiverPid(server);

    await agent.stop();
    await makeSegments(server, 2);
    const isLogged = (text: RegExp) => async () => text.test(await server.cluster.readLog());
    await awaitAttempt(server, isLogged(/no Tidemark agent at/));
    expect((await readyFiles(server)).length).toBeGreaterThanOrEqual(2);

    agent.answer = ({ name }) => `ERROR wal-conflict ${name} is there with other bytes`;
    await agent.start();
    await awaitAttempt(server, isLogged(/is there with other bytes[\s\S]*wal-conflict/));
    agent.answer = () => "what?";
    await awaitAttempt(server, isLogged(/does not answer as a Tidemark agent/));
    agent.answer = () => null;
    await awaitAttempt(server, () => agent.holds);
    await agent.stop();
    await awaitLog(server, /ended the connection/);
    expect((await readyFiles(server)).length).toBeGreaterThanOrEqual(2);

    agent.answer = () => "OK";
    await agent.start();
    await waitFor(
      async () => {
        await makeSegments(server, 1);
        return (await readyFiles(server)).length <= 1;
      },
      { what: "all files archived", timeoutMs: 90_000 },
    );
    expect(await archiverPid(server)).toBe(pid);
  });

  it("lets the server drop a database, change the socket and stop while an agent is silent", async () => {
    await using rig = await makeRig(major);
    const { server, agent } = rig;
    await server.query("CREATE DATABASE leaving");
    await configure(server, rig.socket);
    agent.answer = () => null;
    await makeSegments(server, 1);
    await agent.awaitHeld();
    // Every process has to pass a barrier for it.
    const session = await server.client();
    await session.query("SET statement_timeout = '60s'");
    await session.query("DROP DATABASE leaving");
    await session.end();

    const other = new StubAgent(`${rig.socket}2`);
    await other.start();
    try {
      await configure(server, `${rig.socket}2`);
      await waitFor(() => other.requests.length > 0, { what: "a request to the other agent", timeoutMs: 60_000 });
      await awaitAllArchived(server);
      expect(await server.cluster.readLog()).toMatch(/asked to stop or to reload/);

      other.answer = () => null;
      await makeSegments(server, 1);
      await other.awaitHeld();
      const stopped = server.cluster.stop({ mode: "fast", timeoutMs: 45_000 });
      await awaitLog(server, /database system is shut down|shutting down/);
      other.answer = () => "OK";
      other.answerHeld("OK");
      // Were the wake-up for its last round lost, it would wait out a minute first.
      expect((await stopped).how).toBe("fast");
    } finally {
      await other.stop();
    }
  });

  it(`needs no more memory after ${filesFor[major]} files than after a tenth of them`, async () => {
    const count = filesFor[major];
    await using rig = await makeRig(major);
    const { server, agent } = rig;
    const pid = await archiverPid(server);
    const sizes: number[] = [];
    const watched: Promise<void>[] = [];
    agent.answer = () => {
      const asked = agent.requests.length;
      if (asked === count / 10 || asked === count) {
        watched.push(residentBytes(pid).then((bytes) => void sizes.push(bytes)));
      }
      return asked % 4_000 === 0 ? "ERROR storage-unreachable only now and then" : "OK";
    };
    await makeBackupFiles(server, count);
    await configure(server, rig.socket);
    await makeSegments(server, 1);
    await awaitAllArchived(server);
    await Promise.all(watched);
    expect(sizes).toHaveLength(2);
    const [first = 0, last = 0] = sizes;
    expect(agent.requests.length).toBeGreaterThanOrEqual(count);
    expect(last - first, `${first} bytes resident, then ${last}`).toBeLessThan(1 << 20);
  });
});
