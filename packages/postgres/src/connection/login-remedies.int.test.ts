import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestServer, testServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SqlSession } from "../session/sql-session.ts";
import type { ConnectionStepResult } from "./connection-report.ts";
import { parseDsn } from "./dsn.ts";
import { testConnection } from "./test-connection.ts";

/** What is wrong with a login after the proof was given, in the order PostgreSQL looks (postinit.c, InitPostgres). */
const wrongs: readonly {
  readonly what: string;
  readonly spoil: readonly string[];
  readonly step: string;
  readonly code: string;
  readonly sql: string;
}[] = [
  {
    what: "a role that may not log in",
    spoil: ["ALTER ROLE shipper NOLOGIN"],
    step: "role",
    code: "role-unknown",
    sql: 'ALTER ROLE "shipper" LOGIN REPLICATION;',
  },
  {
    what: "a role without a free connection",
    spoil: ["ALTER ROLE shipper CONNECTION LIMIT 0"],
    step: "role",
    code: "too-many-connections",
    sql: 'ALTER ROLE "shipper" CONNECTION LIMIT -1;',
  },
  {
    what: "a database without a free connection",
    spoil: ["ALTER DATABASE app CONNECTION LIMIT 0"],
    step: "database",
    code: "too-many-connections",
    sql: 'ALTER DATABASE "app" CONNECTION LIMIT -1;',
  },
  {
    what: "a database that nobody may enter",
    spoil: ["REVOKE CONNECT ON DATABASE app FROM PUBLIC"],
    step: "database",
    code: "privilege-missing",
    sql: 'GRANT CONNECT ON DATABASE "app" TO "shipper";',
  },
  {
    what: "a database that takes no connections",
    spoil: ["ALTER DATABASE app ALLOW_CONNECTIONS false"],
    step: "database",
    code: "server-error",
    sql: 'ALTER DATABASE "app" ALLOW_CONNECTIONS true;',
  },
  {
    what: "a role without REPLICATION",
    spoil: ["ALTER ROLE shipper NOREPLICATION"],
    step: "role",
    code: "replication-not-permitted",
    sql: 'ALTER ROLE "shipper" REPLICATION;',
  },
];

describe.each([13, 18] as const)("a login that PostgreSQL %i refuses", (major) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await testServer({ major });
    await server.query("CREATE DATABASE app");
    await server.query("CREATE ROLE shipper LOGIN REPLICATION PASSWORD 'x'");
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });

  const settings = () => parseDsn(server.dsn({ user: "shipper", password: "x", database: "app" }));
  async function failedStep(): Promise<ConnectionStepResult | undefined> {
    const { steps } = await testConnection(settings());
    return steps.find(({ state }) => state === "failed");
  }

  it.each(wrongs)("for $what has a remedy that mends it", async ({ spoil, step, code, sql }) => {
    for (const statement of spoil) await server.query(statement);
    const failed = await failedStep();
    expect(failed).toMatchObject({ step, error: { code } });
    expect(failed?.remedy?.sql).toContain(sql);
    const report = await testConnection(settings());
    // What was seen before it is still claimed, and nothing after it.
    expect(report.steps.find((other) => other.step === "authentication")?.state).toBe("ok");
    for (const later of report.steps.slice(report.steps.findIndex(({ state }) => state === "failed") + 1))
      expect(later).toMatchObject({ state: "skipped", detail: "" });
    for (const statement of failed?.remedy?.sql?.split("\n") ?? []) await server.query(statement);
    expect(await failedStep()).toBeUndefined();
  });

  it("for a role that is missing has a remedy that makes it, where no password is asked for", async () => {
    const path = join(server.dataDir, "pg_hba.conf");
    const before = await readFile(path, "utf8");
    const name = `it's "new"`;
    await writeFile(
      path,
      `host all,replication "it's ""new""" 127.0.0.1/32 trust\nhost all,replication all 127.0.0.1/32 trust\n${before}`,
    );
    await server.query("SELECT pg_reload_conf()");
    const login = parseDsn(server.dsn({ user: name, password: null }));
    const failed = (await testConnection(login)).steps.find(({ state }) => state === "failed");
    expect(failed).toMatchObject({ step: "role", error: { code: "role-unknown" } });
    for (const statement of failed?.remedy?.sql?.split("\n") ?? []) await server.query(statement);
    expect((await testConnection(login)).ok).toBe(true);
    await writeFile(path, before);
    await server.query("SELECT pg_reload_conf()");
  });

  it("for a full server says so at the first step that sees it", async () => {
    const [row] = await server.query<{ n: number }>("SELECT current_setting('max_connections')::int4 AS n");
    await server.query("ALTER SYSTEM SET max_connections = 12");
    await server.restart();
    const sessions: SqlSession[] = [];
    try {
      for (;;) sessions.push(await SqlSession.connect(settings()));
    } catch (error) {
      expect(error).toMatchObject({ code: "too-many-connections" });
    }
    const failed = await failedStep();
    expect(["authentication", "database"]).toContain(failed?.step);
    expect(failed).toMatchObject({ error: { code: "too-many-connections" }, remedy: { advice: expect.any(String) } });
    await Promise.all(sessions.map((session) => session.close()));
    await server.query(`ALTER SYSTEM SET max_connections = ${row?.n ?? 100}`);
  });

  it("says how many connections a role may have, and when its password ends", async () => {
    await server.query("ALTER ROLE shipper CONNECTION LIMIT 5 VALID UNTIL '2126-01-01 00:00Z'");
    const report = await testConnection(settings());
    expect(report.steps.find(({ step }) => step === "role")?.detail).toBe(
      '"shipper" may log in and has the attribute REPLICATION; 1 of its 5 connections are in use; its password is valid until 2126-01-01T00:00:00.000Z',
    );
  });
});
