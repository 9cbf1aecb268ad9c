import { spawn } from "node:child_process";
import { chmod, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { AppError, Secret } from "@tidemark/kit";
import { describe, expect, it } from "vitest";
import { findPostgres } from "./find-postgres.ts";
import { initCluster } from "./init-cluster.ts";
import { knownMajors, type Major, type PostgresInstallation } from "./installation.ts";
import { ping } from "./ping.ts";
import { reachableCopy } from "./reachable-copy.ts";
import type { RunningCluster } from "./running-cluster.ts";
import { findPostmaster, isAlive, sendSignal, serverProcesses } from "./server-processes.ts";
import { findServerUser, identityOf } from "./server-user.ts";
import { startCluster } from "./start-cluster.ts";
import { cacheDir, scratchDir } from "./test-support.ts";

const password = new Secret('it\'s a "password" \\ with %');

function postgres(major: Major): Promise<PostgresInstallation> {
  return findPostgres(major, { cacheDir, allowHost: false });
}

async function newCluster(installation: PostgresInstallation, dataDir: string): Promise<string> {
  return (await initCluster({ installation, dataDir, password, sync: false, settings: { fsync: false } })).dataDir;
}

function answers(cluster: RunningCluster): Promise<string> {
  return ping({ host: cluster.host, port: cluster.port }, "postgres", 2_000);
}

describe.each(knownMajors)("PostgreSQL %i", (major) => {
  it("starts, survives kill -9 of its postmaster, starts again on the same data and stops", async () => {
    await using scratch = await scratchDir();
    const installation = await postgres(major);
    const dataDir = await newCluster(installation, join(scratch.path, "data"));
    expect((await readFile(join(dataDir, "PG_VERSION"), "utf8")).trim()).toBe(String(major));

    const first = await startCluster({ installation, dataDir, password });
    expect(await answers(first)).toBe("accepting");
    sendSignal(first.pid, "SIGKILL");
    await first.exited;

    const second = await startCluster({ installation, dataDir, password });
    expect(await answers(second)).toBe("accepting");
    expect((await second.readLog()).includes("was interrupted; last known up at")).toBe(true);
    expect(await second.stop()).toEqual({ how: "fast" });
    expect(await serverProcesses(dataDir)).toEqual([]);
    expect(await second.stop()).toEqual({ how: "was-stopped" });
  });
});

describe("a server of ours", () => {
  it("starts although the number in a stale postmaster.pid belongs to another process of the same account", async () => {
    await using scratch = await scratchDir();
    const installation = await postgres(18);
    const dataDir = await newCluster(installation, join(scratch.path, "data"));
    const stranger = spawn("/bin/cat", { stdio: "pipe", cwd: "/", ...identityOf(await findServerUser()) });
    try {
      await writeFile(join(dataDir, "postmaster.pid"), `${stranger.pid}\n${dataDir}\n1767225600\n5432\n/tmp\n\n\n`);
      await using cluster = await startCluster({ installation, dataDir, password });
      expect(await answers(cluster)).toBe("accepting");
      expect(isAlive(stranger.pid ?? 0)).toBe(true);
    } finally {
      stranger.kill();
    }
  });

  it("is adopted, refused or replaced when it outlived whoever started it", async () => {
    await using scratch = await scratchDir();
    const installation = await postgres(18);
    const dataDir = await newCluster(installation, join(scratch.path, "data"));
    const orphan = await startCluster({ installation, dataDir, password, lifetime: "detached" });

    const adopted = await startCluster({ installation, dataDir, password, ifRunning: "adopt" });
    expect(adopted).toMatchObject({ adopted: true, pid: orphan.pid, port: orphan.port });
    await expect(startCluster({ installation, dataDir, password, ifRunning: "refuse" })).rejects.toThrow(
      `a PostgreSQL server (pid ${orphan.pid}) is running on ${dataDir} already`,
    );
    await using replaced = await startCluster({ installation, dataDir, password });
    expect(replaced.pid).not.toBe(orphan.pid);
    expect(isAlive(orphan.pid)).toBe(false);
    expect(await findPostmaster(dataDir)).toBe(replaced.pid);
  });

  it("leaves nothing running after kill, and nothing of its socket after stop", async () => {
    await using scratch = await scratchDir();
    const installation = await postgres(18);
    const dataDir = await newCluster(installation, join(scratch.path, "data"));
    const cluster = await startCluster({ installation, dataDir, password });
    await cluster.kill();
    expect(await serverProcesses(dataDir)).toEqual([]);
    await cluster.stop();
    await expect(stat(cluster.socketDir)).rejects.toThrow("ENOENT");
  });

  it("can be had without TCP", async () => {
    await using scratch = await scratchDir();
    const installation = await postgres(18);
    const { dataDir } = await initCluster({ installation, dataDir: join(scratch.path, "data"), password: null });
    await using cluster = await startCluster({ installation, dataDir, listen: "socket-only" });
    expect(cluster.host).toBe(cluster.socketDir);
    expect(await answers({ ...cluster, host: "127.0.0.1" })).toBe("silent");
    const socket = join(cluster.socketDir, `.s.PGSQL.${cluster.port}`);
    expect(await ping({ path: socket }, "postgres", 2_000)).toBe("accepting");
    expect((await stat(cluster.socketDir)).mode & 0o777).toBe(0o700);
  });

  it("says that its port is taken, and by whom that can be helped", async () => {
    await using scratch = await scratchDir();
    const installation = await postgres(18);
    const dataDir = await newCluster(installation, join(scratch.path, "data"));
    const occupant = createServer();
    const port = await new Promise<number>((resolve) => {
      occupant.listen(0, "127.0.0.1", () => resolve((occupant.address() as { port: number }).port));
    });
    try {
      const failure = await startCluster({ installation, dataDir, password, port }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(AppError);
      expect(failure).toMatchObject({ code: "port-taken", context: { port } });
    } finally {
      occupant.close();
    }
  });

  it("gives the server's own reason when it does not start", async () => {
    await using scratch = await scratchDir();
    const installation = await postgres(18);
    const dataDir = await newCluster(installation, join(scratch.path, "data"));
    const start = startCluster({ installation, dataDir, password, settings: { shared_preload_libraries: "not_here" } });
    await expect(start).rejects.toThrow(`did not start: could not access file "not_here": No such file or directory`);
    expect(await serverProcesses(dataDir)).toEqual([]);
  });
});

describe("a new cluster", () => {
  it("is not made in a folder that holds something", async () => {
    await using scratch = await scratchDir();
    const installation = await postgres(18);
    const dataDir = join(scratch.path, "data");
    await mkdir(dataDir);
    await writeFile(join(dataDir, "letter.txt"), "dear reader");
    await expect(newCluster(installation, dataDir)).rejects.toMatchObject({ code: "target-not-empty" });
    expect(await readFile(join(dataDir, "letter.txt"), "utf8")).toBe("dear reader");
  });

  it("replaces what a killed initdb left behind, and keeps no password file", async () => {
    await using scratch = await scratchDir();
    const installation = await postgres(18);
    const dataDir = join(scratch.path, "data");
    await mkdir(`${dataDir}.new`);
    await writeFile(join(`${dataDir}.new`, "PG_VERSION"), "18\n");
    await newCluster(installation, dataDir);
    await expect(stat(`${dataDir}.new`)).rejects.toThrow("ENOENT");
    await expect(stat(`${dataDir}.password`)).rejects.toThrow("ENOENT");
    await using cluster = await startCluster({ installation, dataDir, password });
    expect(await answers(cluster)).toBe("accepting");
  });
});

describe.runIf(process.getuid?.() === 0)("run by root, below a folder closed to others", () => {
  it("puts the data where the server's account may go, the same place every time, and says where", async () => {
    await using scratch = await scratchDir();
    await chmod(scratch.path, 0o700);
    const installation = await postgres(18);
    const wanted = join(scratch.path, "home", "data");
    const made = await initCluster({ installation, dataDir: wanted, password, sync: false });
    try {
      expect(made.relocatedFrom).toBe(wanted);
      expect(made.dataDir).not.toBe(wanted);
      await using cluster = await startCluster({ installation, dataDir: wanted, password });
      expect(cluster.dataDir).toBe(made.dataDir);
      expect(await answers(cluster)).toBe("accepting");
    } finally {
      await removeStandIn(made.dataDir);
    }
  });

  it("fetches programs straight to where the account can run them, once", async () => {
    await using scratch = await scratchDir();
    await chmod(scratch.path, 0o700);
    const closedCache = join(scratch.path, "cache");
    const found = await findPostgres(17, { cacheDir: closedCache, allowHost: false });
    try {
      expect(found.binDir.startsWith(scratch.path)).toBe(false);
      const again = await findPostgres(17, { cacheDir: closedCache, allowHost: false, allowFetch: false });
      expect(again).toEqual(found);
    } finally {
      await removeStandIn(found.binDir);
    }
  });
});

describe.runIf(process.getuid?.() === 0)("programs below a folder closed to the server's account", () => {
  it("are copied once per version to where it can run them", async () => {
    await using scratch = await scratchDir();
    await chmod(scratch.path, 0o700);
    const nativeDir = join(scratch.path, "package", "native");
    await mkdir(join(nativeDir, "bin"), { recursive: true });
    await writeFile(join(scratch.path, "package", "package.json"), '{ "version": "18.4.0" }');
    await writeFile(join(nativeDir, "bin", "postgres"), "program", { mode: 0o755 });
    const user = await findServerUser();
    const copy = await reachableCopy(nativeDir, user);
    try {
      expect(copy.relocatedFrom).toBe(nativeDir);
      expect(await readFile(join(copy.path, "bin", "postgres"), "utf8")).toBe("program");
      expect(await reachableCopy(nativeDir, user)).toEqual(copy);
      await writeFile(join(scratch.path, "package", "package.json"), '{ "version": "18.5.0" }');
      expect((await reachableCopy(nativeDir, user)).path).not.toBe(copy.path);
    } finally {
      await removeStandIn(copy.path);
    }
  });
});

describe("fetching a build", () => {
  it("is done by one of several who need it at once", async () => {
    await using scratch = await scratchDir();
    const fetches: string[] = [];
    const fetch = () =>
      findPostgres(16, { cacheDir: join(scratch.path, "cache"), allowHost: false, onProgress: (m) => fetches.push(m) });
    const found = await Promise.all([fetch(), fetch(), fetch()]);
    expect(new Set(found.map((each) => each.binDir)).size).toBe(1);
    expect(fetches).toHaveLength(1);
  });

  it("is refused in a sentence where it is not allowed", async () => {
    await using scratch = await scratchDir();
    const search = findPostgres(16, { cacheDir: scratch.path, allowHost: false, allowFetch: false });
    await expect(search).rejects.toMatchObject({ code: "postgres-binaries-missing" });
  });
});

/** Stand-ins are outside the scratch folder, so a test removes its own: /var/lib/tidemark-<hash>. */
async function removeStandIn(path: string): Promise<void> {
  const base = /^.*\/tidemark-[0-9a-f]{12}(?=\/)/.exec(path)?.[0];
  if (base !== undefined) await rm(base, { recursive: true });
}
