import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { freePort, standbyOf, type TestServer, testServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ReplicationSession } from "../session/replication-session.ts";
import { type ConnectionReport, type ConnectionStepResult, connectionSteps } from "./connection-report.ts";
import { parseDsn } from "./dsn.ts";
import { testConnection } from "./test-connection.ts";

let server: TestServer;
let originalHba: string;

beforeAll(async () => {
  server = await testServer({ major: 18, settings: { max_wal_senders: 2 } });
  originalHba = await readFile(join(server.dataDir, "pg_hba.conf"), "utf8");
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});

const states = (report: ConnectionReport): string[] => report.steps.map(({ step, state }) => `${step} ${state}`);

/** The failed step; asserts that those before it are not failed and nothing is claimed of those after it. */
function failure(report: ConnectionReport): ConnectionStepResult {
  expect(report.ok).toBe(false);
  const index = report.steps.findIndex(({ state }) => state === "failed");
  const step = report.steps[index];
  if (step === undefined) throw new Error("no step failed");
  for (const later of report.steps.slice(index + 1)) expect(later).toMatchObject({ state: "skipped", detail: "" });
  expect(step.error?.hint).toBeTruthy();
  return step;
}

const test = async (dsn: string, timeoutMs = 5_000): Promise<ConnectionReport> =>
  await testConnection(parseDsn(dsn), { timeoutMs });

async function setHba(text: string): Promise<void> {
  await writeFile(join(server.dataDir, "pg_hba.conf"), text);
  await server.restart();
}

describe("testConnection", () => {
  it("finds every step in order for a role that may back up", async () => {
    const report = await test(server.dsn());
    expect(states(report)).toEqual(connectionSteps.map((step) => `${step} ok`));
    expect(report).toMatchObject({
      ok: true,
      facts: { address: "127.0.0.1", clientAddress: "127.0.0.1", tls: null, tlsFellBack: true, server: { major: 18 } },
    });
    expect(report.facts.identity?.systemIdentifier).toBe(report.facts.server?.systemIdentifier);
    for (const { detail } of report.steps) expect(detail).not.toBe("");
  });

  it("says which settings of the socket the runtime cannot apply", async () => {
    const given = "keepalives_idle=9&keepalives_interval=2&keepalives_count=3&tcp_user_timeout=1000";
    const report = await test(`${server.dsn()}?${given}`);
    expect(report.steps.find(({ step }) => step === "tcp")?.detail).toContain(
      "not applied, the runtime cannot: keepalives_interval, keepalives_count, tcp_user_timeout",
    );
    expect(report.ok).toBe(true);
  });

  it("skips TLS, and says why, where it does not apply", async () => {
    const [, , tls] = (await test(`${server.dsn()}?sslmode=disable`)).steps;
    expect(tls).toMatchObject({ step: "tls", state: "skipped", detail: "not used (sslmode=disable)" });
    const local = await test(server.dsn({ via: "socket" }));
    expect(local).toMatchObject({ ok: true, facts: { address: null, clientAddress: null } });
  });

  it("tells an unknown host, a refused port and a silent host apart", async () => {
    expect(failure(await test("postgresql://u:p@no-such-host.invalid/"))).toMatchObject({
      step: "dns",
      error: { code: "host-unknown" },
      remedy: { advice: expect.any(String) },
    });
    const refused = failure(await test(`postgresql://u:p@127.0.0.1:${await freePort()}/`));
    expect(refused).toMatchObject({ step: "tcp", error: { code: "connection-refused" } });
    expect(refused.remedy?.sql).toContain("ALTER SYSTEM SET listen_addresses");
    const silent = createServer(() => undefined);
    const port = await freePort();
    await new Promise<void>((resolve) => silent.listen(port, "127.0.0.1", resolve));
    expect(failure(await test(`postgresql://u:p@127.0.0.1:${port}/`, 150))).toMatchObject({
      step: "tls",
      error: { code: "connection-timeout" },
    });
    silent.close();
  });

  it("names TLS that is not offered, and a password that is wrong", async () => {
    const tls = failure(await test(`${server.dsn()}?sslmode=require`));
    expect(tls).toMatchObject({ step: "tls", error: { code: "tls-not-offered" } });
    const login = failure(await test(server.dsn({ user: "tidemark", password: "x" })));
    expect(login).toMatchObject({ step: "authentication", error: { code: "password-wrong" } });
    expect(login.remedy?.advice).toContain('\\password "tidemark"');
    expect(failure(await test(server.dsn({ database: "nowhere" })))).toMatchObject({
      step: "database",
      error: { code: "database-unknown" },
    });
  });

  it("has a remedy for a missing REPLICATION that works when pasted", async () => {
    await server.query("CREATE ROLE \"Back up\" LOGIN PASSWORD 'x'");
    const dsn = server.dsn({ user: "Back up", password: "x" });
    const step = failure(await test(dsn));
    expect(step).toMatchObject({ step: "role", error: { code: "replication-not-permitted" } });
    expect(step.remedy).toEqual({ sql: 'ALTER ROLE "Back up" REPLICATION;' });
    await using standby = await standbyOf(server);
    const there = failure(await test(standby.dsn({ user: "Back up", password: "x" })));
    // The same SQL is refused on a standby.
    expect(there.remedy).toEqual({ ...step.remedy, advice: expect.stringContaining("primary") });
    await server.query(step.remedy?.sql ?? "");
    expect((await test(dsn)).ok).toBe(true);
  });

  it("asks for the attributes of the role that logs in, whatever role its sessions take on", async () => {
    await server.query("CREATE ROLE owner_of_all");
    await server.query("CREATE ROLE taking_on LOGIN REPLICATION PASSWORD 'x' IN ROLE owner_of_all");
    await server.query("ALTER ROLE taking_on SET role = 'owner_of_all'");
    const { ok, facts } = await test(server.dsn({ user: "taking_on", password: "x" }));
    expect([ok, facts.server?.role, facts.server?.hasReplication]).toEqual([true, "owner_of_all", true]);
  });

  it("takes a password that is valid beyond what our calendar knows", async () => {
    await server.query("CREATE ROLE eternal LOGIN REPLICATION PASSWORD 'x' VALID UNTIL '290000-01-01'");
    expect((await test(server.dsn({ user: "eternal", password: "x" }))).ok).toBe(true);
  });

  it("has remedies for missing pg_hba.conf lines that work when pasted", async () => {
    await server.query("CREATE ROLE tidemark LOGIN REPLICATION PASSWORD 'x'");
    const dsn = server.dsn({ user: "tidemark", password: "x" });
    const own = "local all all trust\nhost all postgres 127.0.0.1/32 scram-sha-256\n";
    await setHba(`${own}host all tidemark 127.0.0.1/32 scram-sha-256\n`);
    const replication = failure(await test(dsn));
    expect(replication).toMatchObject({ step: "replication", error: { code: "hba-entry-missing" } });
    expect(replication.remedy?.hba).toBe("host  replication  tidemark  127.0.0.1/32  scram-sha-256");
    await setHba(own);
    const login = failure(await test(dsn));
    expect(login).toMatchObject({ step: "authentication", error: { code: "hba-entry-missing" } });
    expect(login.remedy?.hba).toContain("host  postgres  tidemark  127.0.0.1/32  scram-sha-256\n");
    await setHba(`${login.remedy?.hba}\n${own}`);
    expect((await test(dsn)).ok).toBe(true);
    await setHba(originalHba);
  });

  it("tells WAL senders that are used up from wal_level=minimal, with remedies that work", async () => {
    const busy = await Promise.all([1, 2].map(() => ReplicationSession.connect(parseDsn(server.dsn()))));
    const exhausted = failure(await test(server.dsn()));
    expect(exhausted).toMatchObject({ step: "replication", error: { code: "wal-senders-exhausted" } });
    expect(exhausted.remedy).toEqual({ sql: "ALTER SYSTEM SET max_wal_senders = 7;", needs: "restart" });
    await Promise.all(busy.map((session) => session.close()));

    await server.query("ALTER SYSTEM SET wal_level = 'minimal'");
    await server.query("ALTER SYSTEM SET max_wal_senders = 0");
    await server.restart();
    const minimal = failure(await test(server.dsn()));
    expect(minimal).toMatchObject({
      step: "replication",
      error: { code: "wal-level-minimal" },
      remedy: { needs: "restart" },
    });
    for (const statement of (minimal.remedy?.sql ?? "").split("\n")) await server.query(statement);
    await server.restart();
    expect((await test(server.dsn())).ok).toBe(true);
  });

  it("stops when cancelled", async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(testConnection(parseDsn(server.dsn()), { signal: controller.signal })).rejects.toMatchObject({
      code: "cancelled",
    });
  });
});
