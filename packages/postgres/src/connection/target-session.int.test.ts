import { findLeaks, standbyOf, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ReplicationSession } from "../session/replication-session.ts";
import { SqlSession } from "../session/sql-session.ts";
import type { TargetSessionAttrs } from "./connection-settings.ts";
import { parseDsn } from "./dsn.ts";
import { testConnection } from "./test-connection.ts";

/** PostgreSQL manual, "Parameter Key Words", target_session_attrs. In this order of hosts: standby, primary. */
const table: readonly [TargetSessionAttrs, both: string, primaryOnly: string, standbyOnly: string][] = [
  ["any", "standby", "primary", "standby"],
  ["read-write", "primary", "primary", "server-in-recovery"],
  ["read-only", "standby", "server-not-in-recovery", "standby"],
  ["primary", "primary", "primary", "server-in-recovery"],
  ["standby", "standby", "server-not-in-recovery", "standby"],
  ["prefer-standby", "standby", "primary", "standby"],
];

describe.each([13, 18] as const)("target_session_attrs with PostgreSQL %i", (major) => {
  let primary: TestServer;
  let standby: TestServer;
  beforeAll(async () => {
    primary = await testServer({ major });
    standby = await standbyOf(primary);
  });
  afterAll(async () => {
    await standby?.[Symbol.asyncDispose]();
    await primary?.[Symbol.asyncDispose]();
  });

  const dsn = (servers: readonly TestServer[], attrs: string): string =>
    `host=${servers.map(() => "127.0.0.1").join(",")} port=${servers.map(({ port }) => port).join(",")} user=${primary.superuser} password=${primary.password} target_session_attrs=${attrs}`;

  /** Which server both kinds of session end at, or their code. */
  async function reached(servers: readonly TestServer[], attrs: string): Promise<string> {
    const outcomes = await Promise.all(
      [SqlSession, ReplicationSession].map(async (kind) => {
        try {
          const session = await kind.connect(parseDsn(dsn(servers, attrs)));
          await session.close();
          return session.opened.address.port === primary.port ? "primary" : "standby";
        } catch (error) {
          return (error as { readonly code: string }).code;
        }
      }),
    );
    expect(outcomes[0]).toBe(outcomes[1]);
    return outcomes[0] as string;
  }

  it.each(table)("%s: %s of both, %s of a primary, %s of a standby", async (attrs, both, primaryOnly, standbyOnly) => {
    expect(await reached([standby, primary], attrs)).toBe(both);
    expect(await reached([primary], attrs)).toBe(primaryOnly);
    expect(await reached([standby], attrs)).toBe(standbyOnly);
  });

  it("takes a primary that is read-only by default for read-only, and for a primary", async () => {
    await primary.query("ALTER SYSTEM SET default_transaction_read_only = on");
    await primary.query("SELECT pg_reload_conf()");
    await waitFor(async () => (await primary.query("SHOW transaction_read_only"))[0]?.transaction_read_only === "on", {
      what: "the setting",
    });
    expect(await reached([primary], "read-write")).toBe("server-in-recovery");
    expect(await reached([primary], "read-only")).toBe("primary");
    const wanted = parseDsn(dsn([primary], "primary"));
    await (await SqlSession.connect(wanted)).close();
    // A replication session of 13 cannot tell, and says so instead of guessing.
    const replication = ReplicationSession.connect(wanted);
    if (major === 13) await expect(replication).rejects.toMatchObject({ code: "version-unsupported" });
    else await (await replication).close();
    const client = await primary.client();
    await client.query("SET default_transaction_read_only = off");
    await client.query("ALTER SYSTEM RESET default_transaction_read_only");
    await client.query("SELECT pg_reload_conf()");
    await client.end();
  });

  it("says why no host will do, with what to change, and leaves no session behind", async () => {
    const report = await testConnection(parseDsn(dsn([standby], "primary")));
    const failed = report.steps.find(({ state }) => state === "failed");
    expect(failed).toMatchObject({ step: "database", error: { code: "server-in-recovery" } });
    expect(failed?.error?.message).toContain("target_session_attrs=primary");
    expect(failed?.remedy?.advice).toContain("name all members");
    await waitFor(async () => (await findLeaks(standby)).length === 0, { what: "the sessions to end" });
  });

  it("spreads over the hosts with load_balance_hosts=random", async () => {
    const both = parseDsn(`${dsn([standby, primary], "any")} load_balance_hosts=random`);
    const ports = new Set<number>();
    // Not seeing one of two in 40 draws happens once in 5e11 runs.
    for (let draw = 0; draw < 40 && ports.size < 2; draw++) {
      const session = await ReplicationSession.connect(both);
      ports.add(session.opened.address.port);
      await session.close();
    }
    expect(ports).toEqual(new Set([standby.port, primary.port]));
  });
});
