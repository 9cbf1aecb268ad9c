import { appendFile, chmod, copyFile, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "@tidemark/kit";
import { findHostTool, runTool, type TestServer } from "@tidemark/testkit";
import {
  beginReplication,
  closeReplication,
  confPath,
  hasReceiver,
  type Lab,
  type Provocation,
  reload,
  reset,
  set,
  setAndRestart,
  streams,
  until,
} from "./provocation.fixture.ts";

/** Replication, durability, layout, and what is going on. */
export const stateProvocations: readonly Provocation[] = [
  {
    id: "synchronous-standby-names",
    on: "main",
    severity: "risk",
    provoke: ({ main }) => set(main, { synchronous_standby_names: "ANY 1 (*)" }),
    context: () => streams,
    cleanUp: ({ main }) => reset(main, "synchronous_standby_names"),
  },
  {
    id: "standby-connected",
    on: "standby",
    severity: "risk",
    provoke: async ({ standby }) => {
      await set(standby, { primary_conninfo: "host=127.0.0.1 port=1" });
      await until("the receiver to end", async () => !(await hasReceiver(standby)));
    },
    follow: async ({ main, standby }) => {
      const { port, superuser, password } = main;
      await set(standby, { primary_conninfo: `host=127.0.0.1 port=${port} user=${superuser} password=${password}` });
      await until("the receiver to start", () => hasReceiver(standby));
    },
  },
  {
    id: "recovery-paused",
    on: "standby",
    severity: "risk",
    provoke: ({ standby }) => standby.query("SELECT pg_wal_replay_pause()"),
  },
  { id: "fsync", on: "main", severity: "risk", cleanUp: ({ main }) => reset(main, "fsync") },
  {
    id: "full-page-writes",
    on: "main",
    severity: "risk",
    provoke: ({ main }) => set(main, { full_page_writes: "off" }),
  },
  {
    id: "full-page-writes",
    on: "standby",
    severity: "blocks-backup",
    provoke: async (lab) => {
      await set(lab.main, { full_page_writes: "off" });
      await lab.main.query("CHECKPOINT");
      await restartpoint(lab.main, lab.standby);
    },
    remedyOn: "main",
    follow: ({ main, standby }) => restartpoint(main, standby),
  },
  {
    id: "data-checksums",
    on: "plain",
    severity: "risk",
    follow: async ({ plain }) => {
      await plain.stop();
      await enableChecksums(plain);
      await plain.start();
    },
  },
  {
    id: "damage-hidden",
    on: "main",
    severity: "risk",
    provoke: ({ main }) => set(main, { zero_damaged_pages: "on" }),
  },
  {
    id: "configuration-outside-data-directory",
    on: "main",
    severity: "note",
    provoke: async ({ main }) => {
      const folder = await main.folder("etc");
      await copyTo(main, "pg_hba.conf", folder);
      await setAndRestart(main, { hba_file: `${folder}/pg_hba.conf` });
    },
    cleanUp: async ({ main }) => {
      await reset(main, "hba_file");
      await main.restart();
    },
  },
  {
    id: "tablespace-inside-data-directory",
    on: "main",
    severity: "risk",
    provoke: async ({ main }) => {
      await main.query(`CREATE TABLESPACE "in side" LOCATION '${await folderInside(main, "ts")}'`);
      await main.query('CREATE TABLE in_side (id int PRIMARY KEY) TABLESPACE "in side"');
      await main.query('CREATE INDEX in_side_index ON in_side (id) TABLESPACE "in side"');
    },
  },
  {
    id: "data-directory-mode",
    on: "main",
    severity: "note",
    provoke: async ({ main }) => {
      await chmod(main.dataDir, 0o750);
      await main.restart();
    },
    follow: async ({ main }) => {
      await chmod(main.dataDir, 0o700);
      await main.restart();
    },
  },
  {
    id: "collation-versions",
    on: "main",
    severity: "risk",
    provoke: async ({ main }) => {
      await main.query("CREATE COLLATION german (provider = icu, locale = 'de')");
      await main.query("CREATE TABLE words (word text COLLATE german PRIMARY KEY)");
      await main.query("UPDATE pg_collation SET collversion = '1' WHERE collname = 'german'");
    },
  },
  {
    id: "extension-libraries",
    on: "main",
    severity: "note",
    provoke: async ({ main }) => {
      const folder = await main.folder("lib");
      const [{ path } = { path: "" }] = await main.query<{ path: string }>(
        "SELECT setting AS path FROM pg_config WHERE name = 'PKGLIBDIR'",
      );
      await copyFile(`${path}/amcheck.so`, join(folder, "foreign.so"));
      await main.query(
        `CREATE FUNCTION foreign_check(regclass) RETURNS void LANGUAGE c AS '${folder}/foreign.so', 'bt_index_check'`,
      );
    },
    // It is a record of what a restore needs, and ends when it is no longer true.
    follow: ({ main }) => main.query("DROP FUNCTION foreign_check(regclass)"),
  },
  {
    id: "exclusive-backup",
    on: "old",
    severity: "risk",
    provoke: ({ old }) => old.query("SELECT pg_start_backup('forgotten', true)"),
  },
  {
    id: "other-backup-running",
    on: "main",
    severity: "note",
    provoke: async ({ main }) => {
      const options =
        main.major >= 15 ? "(LABEL 'other', MAX_RATE 32, CHECKPOINT 'fast')" : "LABEL 'other' MAX_RATE 32 FAST";
      await beginReplication(main, `BASE_BACKUP ${options}`);
      await until("the other backup to run", async () => (await backupsRunning(main)) > 0);
    },
    follow: ({ main }) => until("the other backup to end", async () => (await backupsRunning(main)) === 0),
    cleanUp: () => closeReplication(),
  },
  {
    id: "prepared-transactions",
    on: "main",
    severity: "note",
    provoke: async ({ main }) => {
      const client = await main.client();
      await client.query("BEGIN");
      await client.query("CREATE TABLE prepared (id int)");
      await client.query("PREPARE TRANSACTION 'it''s forgotten'");
      await client.end();
    },
    context: twoHoursLater,
    contextAfter: twoHoursLater,
  },
  {
    id: "pending-restart",
    on: "main",
    severity: "note",
    provoke: async ({ main }) => {
      await set(main, { max_connections: "77" });
      await until("the setting to wait for a restart", async () => {
        const [row] = await main.query<{ n: number }>(
          "SELECT count(*)::int4 AS n FROM pg_settings WHERE pending_restart",
        );
        return row?.n === 1;
      });
    },
    cleanUp: ({ main }) => reset(main, "max_connections"),
  },
  {
    id: "configuration-invalid",
    on: "main",
    severity: "risk",
    // The view reads the files itself; a reload would change nothing, and refuse to say so.
    provoke: ({ main }) => appendFile(confPath(main), "\nno_such_setting = on\n"),
    follow: async ({ main }) => {
      const text = await readFile(confPath(main), "utf8");
      await writeFile(confPath(main), text.replace("\nno_such_setting = on\n", ""));
      await reload(main);
    },
  },
];

function twoHoursLater() {
  const { monotonicMs } = systemClock;
  return { clock: { monotonicMs, now: () => new Date(systemClock.now().getTime() + 7_200_000) } };
}

/** A checkpoint of the standby's own, at the last of its primary. */
async function restartpoint(primary: TestServer, standby: TestServer): Promise<void> {
  await replayed({ main: primary, standby });
  await standby.query("CHECKPOINT");
}

/** The standby has all the primary has: the role's rights, too, which are granted there. */
export async function replayed({ main, standby }: Pick<Lab, "main" | "standby">): Promise<void> {
  const [at] = await main.query<{ lsn: string }>("SELECT pg_current_wal_lsn()::text AS lsn");
  try {
    await until("the standby to have replayed it", async () => {
      const [row] = await standby.query<{ there: boolean }>("SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS there", [
        at?.lsn,
      ]);
      return row?.there === true;
    });
  } catch (cause) {
    const log = (await standby.cluster.readLog()).trimEnd().split("\n").slice(-20).join("\n");
    throw new Error(`the standby does not come to ${at?.lsn}; its log ends:\n${log}`, { cause });
  }
}

async function enableChecksums(server: TestServer): Promise<void> {
  const tools = await findHostTool(15, "pg_checksums");
  if (tools === null) throw new Error("this machine has no pg_checksums of PostgreSQL 15");
  const result = await runTool(tools, "pg_checksums", ["--enable", "--no-sync", "-D", server.dataDir]);
  if (result.exitCode !== 0) throw new Error(result.stderr);
}

async function copyTo(server: TestServer, name: string, folder: string): Promise<void> {
  await copyFile(join(server.dataDir, name), join(folder, name));
  await chmod(join(folder, name), 0o644);
}

/** A folder below the data directory, made by the server's own account. */
async function folderInside(server: TestServer, name: string): Promise<string> {
  const path = join(server.dataDir, name);
  await server.query(`COPY (SELECT 1) TO PROGRAM 'mkdir ${path}'`);
  await stat(path);
  return path;
}

async function backupsRunning(server: TestServer): Promise<number> {
  const [row] = await server.query<{ n: number }>("SELECT count(*)::int4 AS n FROM pg_stat_progress_basebackup");
  return row?.n ?? 0;
}
