import { chmod, cp, mkdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { systemErrorCode } from "@tidemark/kit";
import { findServerUser, giveTree } from "@tidemark/local-postgres";
import { tempDir } from "./temp-dir.ts";
import { adoptCluster, type TestServer } from "./test-server.ts";

/**
 * A streaming standby of a test's server: a low-level backup (pg_backup_start, copy, pg_backup_stop), since npm's
 * builds have no pg_basebackup. The primary must have no tablespaces. Dispose it before its primary.
 */
export async function standbyOf(primary: TestServer): Promise<TestServer> {
  const dir = await tempDir(`pg${primary.major}-standby`);
  try {
    const dataDir = dir.join("data");
    await copyCluster(primary, dataDir);
    await writeFile(join(dataDir, "standby.signal"), "");
    // The password is this test's own and goes with the folder.
    const conninfo = `host=127.0.0.1 port=${primary.port} user=${primary.superuser} password=${primary.password}`;
    await writeFile(join(dataDir, "postgresql.auto.conf"), `primary_conninfo = '${conninfo}'\nhot_standby = on\n`);
    await giveTree(dataDir, await findServerUser());
    return await adoptCluster(dir, primary, { dataDir });
  } catch (error) {
    await dir[Symbol.asyncDispose]();
    throw error;
  }
}

/** The exclusive-free form of the low-level API was renamed in 15 (release notes of 15, migration). */
async function copyCluster(primary: TestServer, dataDir: string): Promise<void> {
  const [start, stop] =
    primary.major >= 15
      ? ["pg_backup_start($1, fast => true)", "pg_backup_stop(wait_for_archive => false)"]
      : ["pg_start_backup($1, true, false)", "pg_stop_backup(false, false)"];
  const client = await primary.client();
  await client.query(`SELECT ${start}`, ["standby"]);
  await copyLive(primary.dataDir, dataDir);
  await mkdir(join(dataDir, "pg_wal", "archive_status"), { recursive: true });
  await chmod(dataDir, 0o700);
  const { rows } = await client.query<{ labelfile: string }>(`SELECT labelfile FROM ${stop}`);
  await writeFile(join(dataDir, "backup_label"), rows[0]?.labelfile ?? "");
  await client.end();
}

/** A running server removes files; a copy that met one is made again. */
async function copyLive(from: string, to: string): Promise<void> {
  for (let left = 10; ; left--) {
    try {
      return await cp(from, to, { recursive: true, filter: (source) => !leftOut.has(basename(source)) });
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT" || left === 1) throw error;
      await rm(to, { recursive: true, force: true });
    }
  }
}

/** What a copy must not bring along: the running server's own marks. Its WAL so far comes along. */
const leftOut = new Set(["postmaster.pid", "postmaster.opts"]);
