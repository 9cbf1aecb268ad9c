import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { appendFile, chown, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { findPostgres, findServerUser, type RunningCluster, startCluster } from "@tidemark/local-postgres";
import { parseDsn, readConfiguration, readEnvironment, SqlSession } from "@tidemark/postgres";
import { findHostTool, freePort, postgresCacheDir, runTool, type TempDir, tempDir } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EngineRig, engineRig, filesFrom, streamFrom } from "../engine-rig.ts";
import { originalsFolder } from "./compose-configuration.ts";

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;
const lacksDebian = !existsSync("/usr/bin/pg_createcluster") || !existsSync("/usr/lib/postgresql/15/bin/postgres");
const why = lacksDebian ? " (SKIPPED: no pg_createcluster 15 on this machine)" : isRoot ? "" : " (SKIPPED: needs root)";
const name = `tidemark_${process.pid}`;

describe.skipIf(lacksDebian || !isRoot)(`a cluster of pg_createcluster 15${why}`, () => {
  let dir: TempDir;
  let rig: EngineRig;
  let port: number;
  const etc = `/etc/postgresql/15/${name}`;
  const dsnOf = (role: string) => `postgresql://${role}:secret@127.0.0.1:${port}/postgres?sslmode=disable`;
  const asPostgres = async (sql: string, place: { socket: string; port: number }) => {
    const args = ["-u", "postgres", "--", "psql", "-X", "-At", "-h", place.socket, "-p", String(place.port), "-c", sql];
    return (await run("runuser", [...args, "postgres"], { cwd: "/" })).stdout.trim();
  };

  beforeAll(async () => {
    rig = await engineRig();
    dir = await tempDir("debian");
    port = await freePort();
    const socket = dir.join("socket");
    await mkdir(socket, { mode: 0o755 });
    const user = await findServerUser();
    await chown(socket, user?.uid ?? 0, user?.gid ?? 0);
    const places = ["--datadir", dir.join("data"), "--logfile", dir.join("log"), "--socketdir", socket];
    await run("pg_createcluster", [...places, "--port", String(port), "15", name], { cwd: "/" });
    await appendFile(join(etc, "postgresql.conf"), "max_connections = 150\nmax_wal_senders = 12\nfsync = off\n");
    await appendFile(join(etc, "conf.d", "libraries.conf"), "shared_preload_libraries = 'pg_stat_statements'\n");
    await run("pg_ctlcluster", ["15", name, "start"], { cwd: "/" });
    await asPostgres(rolesAndRows, { socket, port });
  });
  afterAll(async () => {
    await run("pg_dropcluster", ["--stop", "15", name], { cwd: "/" });
    // It leaves what others put there.
    await rm(etc, { recursive: true, force: true });
    await rig?.[Symbol.asyncDispose]();
    await dir?.[Symbol.asyncDispose]();
  });

  const ways = [
    { role: "may_read_files", way: "stream" },
    { role: "may_read_files", way: "files" },
    { role: "may_not", way: "stream" },
    { role: "may_not", way: "files" },
  ] as const;
  it.each(ways)("comes back from a $way backup by the role $role with a configuration that starts", async (one) => {
    const dsn = dsnOf(one.role);
    const session = await SqlSession.connect(parseDsn(dsn));
    const surroundings = {
      configuration: await readConfiguration(session),
      environment: await readEnvironment(session),
    };
    await session.close();
    const source = one.way === "stream" ? streamFrom(dsn) : filesFrom(dsn);
    const backup = await rig.backupFrom(source, surroundings);
    expect(backup.facts?.environment?.version).toContain("PostgreSQL 15");
    const target = rig.dir.join(`restored-${one.role}-${one.way}`);
    const plan = await rig.plan({ backupId: backup.backupId, targetDirectory: target, owner: "postgres" });
    expect(plan.ok).toBe(true);
    expect(plan.checks.find(({ id }) => id === "configuration")).toMatchObject({
      state: "warning",
      sentence: expect.stringContaining("holds no postgresql.conf, pg_hba.conf, pg_ident.conf"),
    });
    const report = await rig.restore(plan);
    expect(report.nextSteps.join("\n")).toContain(originalsFolder);
    await agreeWithPgVerifybackup(target);
    await checkFiles(target, one.role);
    await using cluster = await startRestored(target);
    const place = { socket: cluster.socketDir, port: cluster.port };
    expect(await asPostgres("SELECT count(*) FROM kept", place)).toBe("1000");
    expect(await asPostgres("SHOW max_connections", place)).toBe("150");
    expect(await asPostgres("SHOW max_wal_senders", place)).toBe("12");
    expect(await asPostgres("SELECT DISTINCT auth_method FROM pg_hba_file_rules", place)).toBe("peer");
    const libraries = await asPostgres("SHOW shared_preload_libraries", place);
    expect(libraries).toBe(one.role === "may_read_files" ? "pg_stat_statements" : "");
  });

  it("is drilled like any other", async () => {
    expect(await rig.drill()).toMatchObject({ outcome: "proven", reason: null });
  });

  async function checkFiles(target: string, role: (typeof ways)[number]["role"]): Promise<void> {
    const readme = await readFile(join(target, originalsFolder, "README"), "utf8");
    if (role === "may_not") {
      expect(readme).toContain("not read:");
      return;
    }
    for (const file of ["postgresql.conf", "pg_hba.conf", "pg_ident.conf", "conf.d/libraries.conf"]) {
      const kept = await readFile(join(target, originalsFolder, etc, file), "utf8");
      expect(kept).toBe(await readFile(join(etc, file), "utf8"));
    }
  }
});

/** Its own configuration counts: nothing about it is given on the command line but where it listens. */
async function startRestored(dataDir: string): Promise<RunningCluster> {
  const installation = await findPostgres(15, { cacheDir: postgresCacheDir(), preferHost: true });
  expect(installation.origin).toBe("host");
  return await startCluster({ installation, dataDir });
}

async function agreeWithPgVerifybackup(target: string): Promise<void> {
  const tools = await findHostTool(15, "pg_verifybackup");
  if (tools === null) throw new Error("Debian's postgresql-15 brings pg_verifybackup");
  const result = await runTool(tools, "pg_verifybackup", [target]);
  expect(`${result.exitCode} ${result.stderr}`).toBe("0 ");
}

const rolesAndRows = `
  CREATE ROLE may_read_files LOGIN REPLICATION PASSWORD 'secret' IN ROLE pg_read_all_settings, pg_read_server_files;
  CREATE ROLE may_not LOGIN REPLICATION PASSWORD 'secret';
  GRANT EXECUTE ON FUNCTION pg_backup_start(text, boolean), pg_backup_stop(boolean), pg_ls_dir(text, boolean, boolean),
    pg_stat_file(text, boolean), pg_read_binary_file(text, bigint, bigint, boolean) TO may_read_files, may_not;
  CREATE TABLE kept AS SELECT g AS id FROM generate_series(1, 1000) g;`;
