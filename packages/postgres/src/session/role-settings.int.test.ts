import { systemClock } from "@tidemark/kit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDsn } from "../connection/dsn.ts";
import { testConnection } from "../connection/test-connection.ts";
import { readPrivileges } from "../privileges/read-privileges.ts";
import { readEnvironment } from "../server/environment.ts";
import { caughtUp, type FactServers, factServers } from "../server/fact-servers.fixture.ts";
import { inspectServer } from "../server/inspect-server.ts";
import { readSettings } from "../server/settings.ts";
import { SqlSession } from "./sql-session.ts";

const role = `it's an "odd" \\ r\u00F6le`;
const password = "x";

/** What an administrator may have given to a role, and what changes how a session reads, writes or runs. */
const hostile: Readonly<Record<string, string>> = {
  default_transaction_isolation: "serializable",
  default_transaction_read_only: "on",
  default_transaction_deferrable: "on",
  extra_float_digits: "-15",
  standard_conforming_strings: "off",
  bytea_output: "escape",
  DateStyle: "SQL, DMY",
  IntervalStyle: "sql_standard",
  TimeZone: "Asia/Kathmandu",
  client_encoding: "LATIN1",
  search_path: "public",
  quote_all_identifiers: "on",
  array_nulls: "off",
  transform_null_equals: "on",
  row_security: "off",
  client_min_messages: "debug5",
  log_statement: "all",
  session_replication_role: "replica",
  enable_seqscan: "off",
  enable_nestloop: "off",
  enable_hashjoin: "off",
  jit_above_cost: "0",
  work_mem: "64kB",
  statement_timeout: "200ms",
  lock_timeout: "1ms",
};

describe.each([13, 18] as const)("a role with settings of its own on PostgreSQL %i", (major) => {
  let servers: FactServers;
  beforeAll(async () => {
    servers = await factServers({ major });
    const quoted = `"${role.replaceAll('"', '""')}"`;
    await servers.primary.query(`CREATE ROLE ${quoted} LOGIN SUPERUSER REPLICATION PASSWORD '${password}'`);
    for (const [name, value] of Object.entries(hostile))
      await servers.primary.query(`ALTER ROLE ${quoted} SET ${name} = '${value}'`);
    await caughtUp(servers);
  });
  afterAll(async () => {
    await servers?.[Symbol.asyncDispose]();
  });

  const facts = async (dsn: string): Promise<unknown> => {
    const session = await SqlSession.connect(parseDsn(dsn));
    try {
      const { info, unreadable, tablespaces, slots, configurationFiles } = await inspectServer(session, {
        clock: systemClock,
      });
      const { settings } = await readSettings(session, ["shared_buffers", "port"]);
      const { collations } = await readEnvironment(session);
      const { acts } = await readPrivileges(session);
      const [bytes] = await session.query("SELECT $1::bytea AS b, 1.1::float8 AS f", [Buffer.from([0, 92, 255])]);
      const { startedAt, configurationLoadedAt, dataDirectory } = info;
      const own = { startedAt, configurationLoadedAt, dataDirectory };
      return { own, unreadable, tablespaces, slots, configurationFiles, settings, collations, acts, bytes };
    } finally {
      await session.close();
    }
  };

  it.each(["primary", "standby"] as const)("is told the same as any other on a %s", async (kind) => {
    const server = servers[kind];
    const expected = await facts(server.dsn());
    expect(await facts(server.dsn({ user: role, password }))).toEqual(expected);
    expect(await testConnection(parseDsn(server.dsn({ user: role, password })))).toMatchObject({ ok: true });
  });
});
