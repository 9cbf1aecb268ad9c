import { standbyOf, type TestServer, type TestServerOptions, testServer, waitFor } from "@tidemark/testkit";
import { parseDsn } from "../connection/dsn.ts";
import { roleScript } from "../privileges/role-script.ts";
import { SqlSession } from "../session/sql-session.ts";
import type { BinaryAsker } from "./asker.ts";

export interface FactServers extends AsyncDisposable {
  readonly primary: TestServer;
  readonly standby: TestServer;
}

/** A primary with small WAL segments and its standby, for everything that is read of a server. */
export async function factServers(options: TestServerOptions): Promise<FactServers> {
  const primary = await testServer({ ...options, walSegmentSizeMb: 1 });
  try {
    const standby = await standbyOf(primary);
    return {
      primary,
      standby,
      [Symbol.asyncDispose]: async () => {
        await standby[Symbol.asyncDispose]();
        await primary[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await primary[Symbol.asyncDispose]();
    throw error;
  }
}

export const rolePassword = "a role's password";

/**
 * `plain` may log in only; `monitor` is in pg_monitor, `noinherit` too but without inheriting; `reader` may read files,
 * in the data directory only; `minimal` and `wal` are the smallest roles for a backup, and for a backup with its WAL.
 */
export async function makeFactRoles(primary: TestServer): Promise<void> {
  const functions = [
    "pg_read_binary_file(text, bigint, bigint, boolean)",
    "pg_stat_file(text, boolean)",
    "pg_ls_dir(text, boolean, boolean)",
  ];
  const password = `PASSWORD '${rolePassword.replace("'", "''")}'`;
  const statements = [
    `CREATE ROLE plain LOGIN ${password}`,
    `CREATE ROLE monitor LOGIN ${password}`,
    "GRANT pg_monitor TO monitor",
    `CREATE ROLE noinherit LOGIN NOINHERIT ${password}`,
    "GRANT pg_monitor TO noinherit",
    roleScript({ major: primary.major, role: "minimal", purpose: "backup", database: "postgres" }),
    `ALTER ROLE minimal ${password}`,
    roleScript({ major: primary.major, role: "wal", purpose: "backup-and-wal", database: "postgres" }),
    `ALTER ROLE wal ${password}`,
    `CREATE ROLE reader LOGIN ${password}`,
    "GRANT pg_read_all_settings TO reader",
    ...functions.map((signature) => `GRANT EXECUTE ON FUNCTION ${signature} TO reader`),
  ];
  for (const statement of statements) await primary.query(statement);
}

/** Asks as a role of `makeFactRoles`, or as superuser. */
export async function asking<T>(
  server: TestServer,
  ask: (session: SqlSession) => Promise<T>,
  user: string = server.superuser,
  database = "postgres",
): Promise<T> {
  const password = user === server.superuser ? server.password : rolePassword;
  const session = await SqlSession.connect(parseDsn(server.dsn({ user, password, database })));
  try {
    return await ask(session);
  } finally {
    await session.close();
  }
}

/** The same asker, and every text it was asked. */
export function recording(asker: BinaryAsker): { readonly asker: BinaryAsker; readonly texts: string[] } {
  const texts: string[] = [];
  return {
    texts,
    asker: {
      query: (text, parameters, options) => {
        texts.push(text);
        return asker.query(text, parameters, options);
      },
      queryBinary: (text, parameters, options) => {
        texts.push(text);
        return asker.queryBinary(text, parameters, options);
      },
    },
  };
}

/** Changes settings in postgresql.auto.conf and waits until new sessions see them. */
export async function changeSettings(server: TestServer, settings: Readonly<Record<string, string>>): Promise<void> {
  const client = await server.client();
  const before = await loadedAt(client);
  for (const [name, value] of Object.entries(settings)) {
    await client.query(`ALTER SYSTEM SET ${name} = ${client.escapeLiteral(value)}`);
  }
  await client.query("SELECT pg_reload_conf()");
  while ((await loadedAt(client)) === before) await client.query("SELECT pg_sleep(0.01)");
  await client.end();
}

async function loadedAt(client: Awaited<ReturnType<TestServer["client"]>>): Promise<string> {
  const { rows } = await client.query<{ at: string }>("SELECT pg_conf_load_time()::text AS at");
  return rows[0]?.at ?? "";
}

/** Until the standby has replayed what the primary has written. */
export async function caughtUp({ primary, standby }: FactServers): Promise<void> {
  const [{ lsn } = { lsn: "0/0" }] = await primary.query<{ lsn: string }>("SELECT pg_current_wal_lsn()::text AS lsn");
  await waitFor(
    async () => {
      const rows = await standby.query<{ done: boolean }>("SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS done", [
        lsn,
      ]);
      return rows[0]?.done === true ? true : undefined;
    },
    { what: "the standby to catch up" },
  );
}
