import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { AppError } from "@tidemark/kit";
import { findServerUser, giveTree, identityOf } from "@tidemark/local-postgres";
import { adoptCluster, type TempDir, tempDir, testServer, waitFor } from "@tidemark/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FolderArchive } from "./feed-archive.fixture.ts";
import { type RecoveryFeed, type RecoveryFeedRequest, startRecoveryFeed } from "./recovery-feed.ts";

const megabyte = 1 << 20;
const segment = (number: number) => `0000000100000000${number.toString(16).toUpperCase().padStart(8, "0")}`;

describe("a recovery feed", () => {
  let dir: TempDir;
  let archive: FolderArchive;
  let feed: RecoveryFeed | null = null;
  /** Every character that a shell, PostgreSQL or its configuration reads. */
  const spool = () => dir.join(`it's 100% "odd" $HOME \\n %p #f`);
  const start = async (request: Partial<RecoveryFeedRequest> = {}) => {
    feed = await startRecoveryFeed({
      archive,
      spool: spool(),
      segmentSizeBytes: megabyte,
      prefetch: 3,
      partial: false,
      retryMs: 0,
      ...request,
    });
    return feed;
  };
  const put = async (name: string, byte: number, bytes = megabyte) =>
    await writeFile(join(archive.folder, name), Buffer.alloc(bytes, byte));
  const target = () => dir.join("taken", "RECOVERYXLOG");
  /** Runs a restore_command as PostgreSQL does, under its account. */
  const ask = async (command: string, name: string) => {
    const line = command.replaceAll(/%(.)/g, (_, letter: string) =>
      letter === "f" ? name : letter === "p" ? target() : letter,
    );
    const child = spawn("/bin/sh", ["-c", line], {
      stdio: ["ignore", "ignore", "pipe"],
      ...identityOf(await findServerUser()),
    });
    let said = "";
    child.stderr.on("data", (bytes) => (said += String(bytes)));
    const [code] = (await once(child, "close")) as [number];
    return { code, said };
  };

  beforeEach(async () => {
    dir = await tempDir("feed");
    archive = new FolderArchive(dir.join("archive"));
    await mkdir(archive.folder);
    await mkdir(dir.join("taken"));
    await giveTree(dir.join("taken"), await findServerUser());
  });
  afterEach(async () => {
    await feed?.stop();
    feed = null;
    await dir[Symbol.asyncDispose]();
  });

  it("hands over whole files of the server's account, from a path with every odd character, and fetches ahead in order", async () => {
    for (let number = 1; number <= 6; number++) await put(segment(number), number);
    const { restoreCommand } = await start();
    for (const number of [1, 2, 3]) {
      expect(await ask(restoreCommand, segment(number))).toEqual({ code: 0, said: "" });
      expect((await readFile(target())).equals(Buffer.alloc(megabyte, number))).toBe(true);
    }
    await waitFor(() => feed?.progress().servedSegments === 3 && archive.reads.length === 6, {
      what: "the three ahead",
    });
    expect(archive.reads).toEqual([1, 2, 3, 4, 5, 6].map(segment));
    // A jump: what was fetched ahead gives way to what follows the new place.
    await put(segment(40), 40);
    expect((await ask(restoreCommand, segment(40))).code).toBe(0);
    await waitFor(async () => (await readdir(join(spool(), "ready"))).length === 0, { what: "an emptied spool" });
  });

  it("answers 1 only for what the archive says it has not, and asks it again the next time", async () => {
    const { restoreCommand } = await start();
    expect((await ask(restoreCommand, "00000002.history")).code).toBe(1);
    expect((await ask(restoreCommand, segment(1))).code).toBe(1);
    expect(feed?.progress()).toMatchObject({ lastMissing: segment(1), failure: null });
    await put("00000002.history", 65, 40);
    expect((await ask(restoreCommand, "00000002.history")).code).toBe(0);
    expect(await readFile(target(), "utf8")).toBe("A".repeat(40));
  });

  it("answers above 125, with the reason, when the archive could not be asked or what it has is damaged", async () => {
    archive.trouble = () =>
      new AppError("storage-unreachable", { message: "the store is away", hint: "look at the network" });
    const { restoreCommand } = await start();
    expect(await ask(restoreCommand, segment(1))).toEqual({
      code: 200,
      said: `tidemark: ${segment(1)}: the store is away [storage-unreachable]\n  look at the network\n`,
    });
    expect(feed?.progress().failure).toMatchObject({ code: "storage-unreachable" });
    archive.trouble = () => null;
    await put(segment(1), 1, 1000);
    expect((await ask(restoreCommand, segment(1))).said).toContain("wal-damaged");
  });

  it("asks again for a while before it gives up", async () => {
    await put(segment(1), 1);
    let left = 2;
    archive.trouble = () => (left-- > 0 ? new AppError("storage-unreachable", { message: "away" }) : null);
    const { restoreCommand } = await start({ retryMs: 20_000, prefetch: 0 });
    expect((await ask(restoreCommand, segment(1))).code).toBe(0);
    expect(archive.reads.length).toBe(3);
  });

  it("gives a part of a segment, filled up with zeros, only when that was asked for", async () => {
    const part = Buffer.alloc(5000, 7);
    const place = { startLsn: 3n * BigInt(megabyte), sizeBytes: megabyte };
    archive.part = {
      place,
      endLsn: place.startLsn + 5000n,
      read: async function* () {
        yield part;
      },
    };
    const whole = await start();
    expect((await ask(whole.restoreCommand, segment(3))).code).toBe(1);
    await whole.stop();
    const { restoreCommand } = await start({ partial: true });
    expect((await ask(restoreCommand, segment(2))).code).toBe(1);
    expect((await ask(restoreCommand, segment(3))).code).toBe(0);
    expect((await readFile(target())).equals(Buffer.concat([part, Buffer.alloc(megabyte - 5000)]))).toBe(true);
    await put(`${segment(4)}.partial`, 9);
    expect((await ask(restoreCommand, segment(4))).code).toBe(0);
  });

  it("gives nothing behind the place that was chosen as the end", async () => {
    for (const number of [3, 4]) await put(segment(number), number);
    const { restoreCommand } = await start({ through: { timeline: 1, lsn: 3n * BigInt(megabyte) + 1000n } });
    expect((await ask(restoreCommand, segment(3))).code).toBe(0);
    expect(
      (await readFile(target())).equals(Buffer.concat([Buffer.alloc(1000, 3), Buffer.alloc(megabyte - 1000)])),
    ).toBe(true);
    expect((await ask(restoreCommand, segment(4))).code).toBe(1);
  });

  it("ends above 125, never with 1, when the feeder was stopped or killed", async () => {
    await put(segment(1), 1);
    const stopped = await start();
    await stopped.stop();
    expect((await ask(stopped.restoreCommand, segment(1))).code).toBe(200);
    const script = new URL("./recovery-feed.child.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, [script, archive.folder, spool()], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const command = line.toString().trimEnd();
    expect((await ask(command, segment(1))).code).toBe(0);
    child.kill("SIGKILL");
    await once(child, "exit");
    const { code, said } = await ask(command, segment(2));
    expect(code).toBe(200);
    expect(said).toContain("is gone");
    expect(await readdir(dir.path)).toContain(spool().slice(dir.path.length + 1));
    // The next feed of that place begins with an empty spool.
    expect((await ask((await start()).restoreCommand, segment(2))).code).toBe(1);
    await feed?.stop();
    expect(await readdir(dir.path)).not.toContain(spool().slice(dir.path.length + 1));
  });

  it("takes back what it fetched ahead when the disk is full, and goes on with less", async ({ skip }) => {
    const disk = dir.join("disk");
    await mkdir(disk, { mode: 0o755 });
    const run = promisify(execFile);
    // Mounting takes rights that not every machine gives.
    const mounted = await run("mount", ["-t", "tmpfs", "-o", "size=2300k,mode=755", "tidemark-test", disk]).catch(
      () => null,
    );
    if (mounted === null) return skip();
    try {
      for (let number = 1; number <= 8; number++) await put(segment(number), number);
      const { restoreCommand } = await start({
        spool: join(disk, "spool"),
        prefetch: 6,
        retryMs: 20_000,
      });
      for (const number of [1, 2, 6, 7, 8]) expect((await ask(restoreCommand, segment(number))).code).toBe(0);
      expect(feed?.progress().failure).toBeNull();
      await feed?.stop();
    } finally {
      await run("umount", ["-l", disk]);
    }
  });

  it("replays hundreds of segments into a real server with a bounded spool, and never ends early when the feeder fails", async () => {
    await using server = await testServer({
      walSegmentSizeMb: 1,
      settings: { archive_mode: "on", archive_command: `cp %p '${archive.folder}/%f'`, max_wal_size: "64MB" },
    });
    await giveTree(archive.folder, await findServerUser());
    await server.query("CREATE TABLE ledger (id int PRIMARY KEY)");
    await server.stop();
    const base = dir.join("base");
    await cp(server.dataDir, base, { recursive: true });
    await server.start();
    const segments = Number(process.env.TIDEMARK_TEST_FEED_SEGMENTS ?? 200);
    const client = await server.client();
    for (let id = 1; id <= segments; id++) {
      await client.query("INSERT INTO ledger VALUES ($1)", [id]);
      await client.query("SELECT pg_switch_wal()");
    }
    await client.end();
    await server.stop();
    const archived = (await readdir(archive.folder)).length;
    expect(archived).toBeGreaterThanOrEqual(segments);

    let most = 0;
    const { restoreCommand } = await start({
      prefetch: 8,
      parallel: 3,
      onProgress: () =>
        void readdir(join(spool(), "ready")).then(
          (names) => (most = Math.max(most, names.length)),
          () => undefined,
        ),
    });
    const recover = async (folder: string) => {
      const dataDir = dir.join(folder);
      await cp(base, dataDir, { recursive: true });
      await writeFile(join(dataDir, "recovery.signal"), "");
      await giveTree(dataDir, await findServerUser());
      return await adoptCluster(dir, server, {
        dataDir,
        settings: { archive_mode: "off", restore_command: restoreCommand, fsync: false },
      });
    };
    const copy = await recover("whole");
    await waitFor(
      async () => (await copy.query<{ on: boolean }>("SELECT pg_is_in_recovery() AS on"))[0]?.on === false,
      {
        what: "the end of the recovery",
      },
    );
    const [row] = await copy.query<{ rows: number }>("SELECT count(*)::int AS rows FROM ledger");
    expect(row?.rows).toBe(segments);
    await copy.stop();
    expect(feed?.progress().servedSegments).toBeGreaterThanOrEqual(segments);
    expect(most).toBeLessThanOrEqual(9);

    // In the middle the archive goes away: the server stops recovering, and does not end its recovery there.
    archive.trouble = (name) =>
      name > segment(100) ? new AppError("storage-unreachable", { message: "the store is away" }) : null;
    await expect(recover("half")).rejects.toMatchObject({ code: "postgres-start-failed" });
    expect(await readFile(`${dir.join("half")}.log`, "utf8")).toContain("the store is away [storage-unreachable]");
    await rm(dir.join("half"), { recursive: true });
  });
});
