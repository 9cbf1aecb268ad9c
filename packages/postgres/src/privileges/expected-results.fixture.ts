import { AppError } from "@tidemark/kit";
import { type TestServer, waitFor } from "@tidemark/testkit";
import type pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseDsn } from "../connection/dsn.ts";
import { SqlSession } from "../session/sql-session.ts";
import { attempts, predictedBy } from "./expected-attempts.fixture.ts";
import { expectedResults } from "./expected-results.ts";
import {
  makeExpectedRoles,
  roleName,
  rolePassword,
  settingsOf,
  type TestRole,
  testRoles,
} from "./expected-roles.fixture.ts";
import { readPrivileges } from "./read-privileges.ts";
import { sqlName } from "./sql-text.ts";

export interface ServerPair {
  readonly primary: TestServer;
  /** Streams from it. */
  readonly standby: TestServer;
}

/** Compares the tables with what happens on a pair of servers, and with what readPrivileges says of it. */
export function proveExpectedResults(major: number, pair: () => ServerPair): void {
  beforeAll(async () => {
    const { primary, standby } = pair();
    await makeExpectedRoles(primary);
    for (const server of [primary, standby]) {
      await server.query("SELECT pg_create_physical_replication_slot('seen_by_all')");
    }
    const [row] = await primary.query<{ lsn: string }>("SELECT pg_current_wal_lsn() AS lsn");
    await waitFor(
      async () => (await standby.query("SELECT pg_last_wal_replay_lsn() >= $1 AS has", [row?.lsn]))[0]?.has === true,
      { what: "the standby to have the roles" },
    );
  });

  afterAll(async () => {
    const { primary, standby } = pair();
    for (const server of [primary, standby]) await server.query("SELECT pg_drop_replication_slot('seen_by_all')");
  });

  it.each(["primary", "standby"] as const)(
    "%s: every cell of the tables is what happens and what is predicted",
    async (on) => {
      const server = pair()[on];
      await using victim = await victimOf(server);
      const found: string[] = [];
      const expected: string[] = [];
      for (const role of testRoles(major)) {
        for (const cell of await runRole(server, { role, on, victimPid: victim.pid })) {
          found.push(cell.found);
          expected.push(cell.expected);
        }
      }
      expect(found).toEqual(expected);
      expect(found.length).toBeGreaterThan(100);
    },
  );

  it.each(["nobody", "noinherit"] as const)(
    "the remedies for %s are complete, and what they give can be used",
    async (role) => {
      const { primary } = pair();
      const settings = settingsOf(primary, role);
      await using session = await opened(settings);
      const before = await readPrivileges(session.sql);
      for (const { remedySql } of before.acts) if (remedySql !== null) await primary.query(remedySql);
      const after = await readPrivileges(session.sql);
      const open = after.acts.filter(({ state }) => state === "missing").map(({ act }) => act);
      expect(open).toEqual(major < 15 ? ["checkpoint"] : []);
      expect(after.scripts.map(({ satisfied }) => satisfied)).toEqual([true, true, true]);
      await using victim = await victimOf(primary);
      const attempt = { session: session.sql, settings, server: primary, inRecovery: false, victimPid: victim.pid };
      for (const { act, state } of after.acts) {
        if (state === "allowed") expect(`${act} ${(await attempts[act]?.(attempt)) ?? "ok"}`).toBe(`${act} ok`);
      }
    },
  );

  it("too many rights are named with the SQL that takes them back", async () => {
    const { primary } = pair();
    await proveBootstrap(primary);
    const name = sqlName(roleName("nobody"));
    await primary.query(`ALTER ROLE ${name} SUPERUSER CREATEROLE CREATEDB BYPASSRLS`);
    await primary.query(`CREATE ROLE writers; GRANT pg_write_server_files TO writers; GRANT writers TO ${name}`);
    if (major >= 14) await primary.query(`GRANT pg_read_all_data TO ${name}`);
    await using session = await opened(settingsOf(primary, "nobody"));
    const { excess } = await readPrivileges(session.sql);
    expect(excess.map(({ what }) => what)).toEqual([
      "SUPERUSER",
      "CREATEROLE",
      "CREATEDB",
      "BYPASSRLS",
      ...(major >= 14 ? ["pg_read_all_data"] : []),
      "pg_write_server_files",
    ]);
    for (const { remedySql } of excess) await primary.query(remedySql);
    const after = await readPrivileges(session.sql);
    expect(after.excess).toEqual([]);
    expect(after.isSuperuser).toBe(false);
    expect(after.scripts.map(({ satisfied }) => satisfied)).toEqual([true, true, true]);
  });
}

/** The role initdb made can do everything and lose nothing. */
async function proveBootstrap(server: TestServer): Promise<void> {
  await using session = await opened(parseDsn(server.dsn()));
  const { acts, excess, isSuperuser } = await readPrivileges(session.sql);
  expect(isSuperuser).toBe(true);
  expect(acts.filter(({ state }) => state === "missing")).toEqual([]);
  expect(excess.map(({ what }) => what)).toEqual(["SUPERUSER"]);
  await server.query(excess[0]?.remedySql ?? "");
  expect(await server.query("SELECT rolsuper, rolcanlogin FROM pg_roles WHERE rolname = 'tidemark'")).toEqual([
    { rolsuper: false, rolcanlogin: true },
  ]);
}

interface Cell {
  readonly found: string;
  readonly expected: string;
}

/** Every row of one role: done for real, and predicted. */
async function runRole(
  server: TestServer,
  { role, on, victimPid }: { role: TestRole; on: "primary" | "standby"; victimPid: () => Promise<number> },
): Promise<Cell[]> {
  const settings = settingsOf(server, role);
  await using session = await opened(settings);
  const report = await readPrivileges(session.sql);
  expect(report.role).toBe(roleName(role));
  const attempt = { session: session.sql, settings, server, inRecovery: on === "standby", victimPid };
  const rowsOf = role === "inherit-false" ? "noinherit" : role;
  const cells: Cell[] = [];
  for (const row of expectedResults) {
    if (row.role !== rowsOf || (row.on !== on && row.on !== "both")) continue;
    const cell = row.cells.get(server.major) ?? "no cell";
    const predictor = predictedBy[row.act] === undefined ? row.act : predictedBy[row.act];
    const predicted = report.acts.find(({ act }) => act === predictor)?.state ?? "none";
    const place = `${row.act} ${role}`;
    cells.push({
      found: `${place}: ${await outcomeOf(() => attempts[row.act]?.(attempt))}, ${predicted}`,
      expected: `${place}: ${cell.replace("n/a:", "")}, ${predictor === null ? "none" : prediction(cell)}`,
    });
  }
  return cells;
}

function prediction(cell: string): string {
  if (cell === "ok") return "allowed";
  return cell.startsWith("n/a:") ? "not-available" : "missing";
}

async function outcomeOf(act: () => Promise<string | undefined> | undefined): Promise<string> {
  try {
    return (await act()) ?? "not tried";
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}

async function opened(
  settings: Parameters<typeof SqlSession.connect>[0],
): Promise<{ readonly sql: SqlSession } & AsyncDisposable> {
  const sql = await SqlSession.connect(settings);
  return { sql, [Symbol.asyncDispose]: () => sql.close() };
}

/** A session of a role that is nothing special; another one whenever the last was ended. */
async function victimOf(server: TestServer): Promise<{ readonly pid: () => Promise<number> } & AsyncDisposable> {
  const clients: pg.Client[] = [];
  const pid = async (): Promise<number> => {
    const client = await server.client({ user: roleName("victim"), password: rolePassword });
    clients.push(client);
    const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    return rows[0]?.pid ?? 0;
  };
  return {
    pid,
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled(clients.map((client) => client.end()));
    },
  };
}
