import type { AppError } from "@tidemark/kit";
import { faultProxy, findLeaks, freePort, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDsn } from "../connection/dsn.ts";
import { askAgain } from "./ask-again.ts";
import { neutraliseIdleTimeouts, restoreIdleTimeouts } from "./idle-timeouts.ts";
import { keepSession } from "./keep-session.ts";
import { SqlSession } from "./sql-session.ts";

describe.each([13, 18] as const)("an SQL session with PostgreSQL %i", (major) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await testServer({ major });
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });

  const open = async (parameters = ""): Promise<SqlSession> =>
    await SqlSession.connect(parseDsn(`${server.dsn()}?${parameters}`));
  const terminate = async (): Promise<void> => {
    await server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tidemark'");
  };

  it("reads values as their types have them, and takes parameters of every kind", async () => {
    await using session = disposable(await open());
    const [row] = await session.it.query(
      `SELECT $1::int4 AS i, $2::int8 AS big, $3::text AS t, $4::bool AS b, $5::bytea AS bytes, $6::timestamptz AS at,
              $7::text[] AS list, $8::text AS nothing, 1.5::float8 AS f, ARRAY[1, 2] AS ints, '{"a": 1}'::jsonb AS j,
              '0/16B3748'::pg_lsn AS lsn, '12.50'::numeric AS n`,
      [
        7,
        9_007_199_254_740_993n,
        "it's",
        true,
        Buffer.from([0, 255]),
        new Date(1e12),
        ['a"b', "c\\d", "", "NULL"],
        null,
      ],
    );
    expect(row).toEqual({
      ...{ i: 7, big: "9007199254740993", t: "it's", b: true, bytes: Buffer.from([0, 255]), at: new Date(1e12) },
      ...{ list: ['a"b', "c\\d", "", "NULL"], nothing: null, f: 1.5, ints: [1, 2], j: { a: 1 } },
      ...{ lsn: "0/16B3748", n: "12.50" },
    });
  });

  it("gives bytes as they are", async () => {
    await using session = disposable(await open());
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 31) & 0xff));
    expect(await session.it.queryBinary("SELECT $1::bytea, NULL::bytea, 258::int4", [bytes])).toEqual([
      [bytes, null, Buffer.from([0, 0, 1, 2])],
    ]);
    expect(await session.it.queryBinary("SELECT 1::int2 WHERE false")).toEqual([]);
  });

  it("takes one statement at a time, answers in order, and goes on after a refusal", async () => {
    await using session = disposable(await open());
    await expect(session.it.query("SELECT 1; SELECT 2")).rejects.toMatchObject({ code: "server-error" });
    const answers = await Promise.all([
      session.it.query("SELECT 1 AS n"),
      session.it.query("SELECT 1/0 AS n").catch((error: AppError) => error.context.sqlState),
      session.it.query("SELECT 3 AS n"),
    ]);
    expect(answers).toEqual([[{ n: 1 }], "22012", [{ n: 3 }]]);
    expect(await session.it.query("CHECKPOINT")).toEqual([]);
    expect(session.it.lost).toBeNull();
  });

  it("empties the search path, takes options, and reads dates whatever the style of the role", async () => {
    await server.query("ALTER ROLE postgres SET DateStyle = 'German'");
    await using session = disposable(await open(`options=${encodeURIComponent("-c work_mem=123kB")}`));
    const [row] = await session.it.query(
      `SELECT current_setting('search_path') AS path, current_setting('work_mem') AS mem, '2026-11-21 00:00Z'::timestamptz AS at`,
    );
    expect(row).toEqual({ path: "", mem: "123kB", at: new Date("2026-11-21T00:00:00Z") });
    await server.query("ALTER ROLE postgres RESET DateStyle");
  });

  it("has the server give up a question in time, and ends itself when there is no answer", async () => {
    await using session = disposable(await open());
    await expect(session.it.query("SELECT pg_sleep(30)", [], { timeoutMs: 60 })).rejects.toMatchObject({
      code: "server-error",
      context: { sqlState: "57014" },
    });
    const slow = session.it.query("SELECT pg_sleep(30)", [], { timeoutMs: 20_000, answerWithinMs: 80 });
    await expect(slow).rejects.toMatchObject({ code: "connection-timeout" });
    expect(session.it.lost).toMatchObject({ code: "connection-timeout" });
    await expect(session.it.query("SELECT 1")).rejects.toMatchObject({ code: "connection-timeout" });
    // What it asked is cancelled over a connection of its own.
    await waitFor(async () => (await findLeaks(server)).length === 0, { what: "the server to stop the question" });
  });

  it("stops what the server does when it is cancelled", async () => {
    const controller = new AbortController();
    const session = await SqlSession.connect(parseDsn(server.dsn()), { signal: controller.signal });
    const asleep = session.query("SELECT pg_sleep(30)");
    await waitFor(async () => (await findLeaks(server)).some((leak) => leak.includes("pg_sleep")), {
      what: "the question",
    });
    controller.abort();
    await expect(asleep).rejects.toMatchObject({ code: "cancelled" });
    await session.close();
    await waitFor(async () => (await findLeaks(server)).length === 0, { what: "the server to stop the question" });
  });

  it("tells its loss at once, with what the server said, while nobody asks", async () => {
    const session = await open();
    const told = new Promise<AppError>((resolve) => session.onLost(resolve));
    await terminate();
    expect(await told).toMatchObject({ code: "server-shutting-down" });
    expect(session.lost).toBe(await told);
    const again = await new Promise<AppError>((resolve) => session.onLost(resolve));
    expect(again).toBe(await told);
    await session.close();
    const quiet = await open();
    quiet.onLost(() => expect.unreachable("closing is no loss"));
    await quiet.close();
    expect(quiet.lost).toBeNull();
  });

  it("is kept through the server's idle timeouts, which come back afterwards", async () => {
    const names = ["idle_in_transaction_session_timeout", ...(major >= 14 ? ["idle_session_timeout"] : [])];
    const set = names.map((name) => `-c ${name}=250`).join(" ");
    await using session = disposable(await open(`options=${encodeURIComponent(set)}`));
    const shown = async (): Promise<unknown[]> =>
      await session.it.query("SELECT current_setting(name) AS value FROM unnest($1::text[]) AS name", [names]);
    await neutraliseIdleTimeouts(session.it);
    await neutraliseIdleTimeouts(session.it);
    expect(await shown()).toEqual(names.map(() => ({ value: "0" })));
    await restoreIdleTimeouts(session.it);
    await restoreIdleTimeouts(session.it);
    expect(await shown()).toEqual(names.map(() => ({ value: "250ms" })));
    if (major < 14) return;
    // The timeout was real: with it back, the server ends the session.
    const told = await new Promise<AppError>((resolve) => session.it.onLost(resolve));
    expect(told).toMatchObject({ context: { sqlState: "57P05" } });
  });

  it("finds a stalled line out within one interval, and stays quiet when stopped", async () => {
    await using proxy = await faultProxy({ host: "127.0.0.1", port: server.port });
    const through = parseDsn(server.dsn().replace(String(server.port), String(proxy.port)));
    const session = await SqlSession.connect(through);
    const intervalMs = 400;
    const told = Promise.withResolvers<AppError>();
    const keeper = keepSession(session, { intervalMs, onLost: told.resolve });
    const passed = proxy.bytesPassed;
    await waitFor(() => proxy.bytesPassed > passed, { what: "a heartbeat" });
    const stalledAt = performance.now();
    proxy.setFaults({ stallAfterBytes: 0 });
    expect(await told.promise).toMatchObject({ code: "connection-timeout" });
    // One interval, and what a busy machine takes.
    expect(performance.now() - stalledAt).toBeLessThan(intervalMs + 4_000);
    await keeper.stop();
    const healthy = await open();
    const second = keepSession(healthy, { intervalMs: 20, onLost: () => expect.unreachable("it was stopped") });
    await second.stop();
    await terminate();
    await waitFor(() => healthy.lost !== null, { what: "the session to be lost" });
  });
});

describe("askAgain", () => {
  it("comes back after the session was lost, and not after a refusal", async () => {
    await using server = await testServer({ major: 18 });
    const connect = async (): Promise<SqlSession> => await SqlSession.connect(parseDsn(server.dsn()));
    const options = { attempts: 3, backoffMs: 1 };
    let tries = 0;
    const answer = await askAgain(
      connect,
      async (session) => {
        if (++tries === 1) await session.query("SELECT pg_terminate_backend(pg_backend_pid())");
        return (await session.query<{ n: number }>("SELECT 1 AS n"))[0]?.n;
      },
      options,
    );
    expect([answer, tries]).toEqual([1, 2]);
    tries = 0;
    const refused = askAgain(
      connect,
      async (session) => {
        tries++;
        await session.query("SELECT 1/0");
      },
      options,
    );
    await expect(refused).rejects.toMatchObject({ code: "server-error" });
    expect(tries).toBe(1);
    expect(await findLeaks(server)).toEqual([]);
  });

  it("gives up after so many attempts, and at once when cancelled", async () => {
    const dead = parseDsn(`host=127.0.0.1 port=${await freePort()} user=u`);
    let tries = 0;
    const connect = async (): Promise<SqlSession> => {
      tries++;
      return await SqlSession.connect(dead);
    };
    const ask = async (): Promise<void> => undefined;
    await expect(askAgain(connect, ask, { attempts: 3, backoffMs: 1 })).rejects.toMatchObject({
      code: "connection-refused",
    });
    expect(tries).toBe(3);
    const controller = new AbortController();
    const waiting = askAgain(connect, ask, { attempts: 3, backoffMs: 60_000, signal: controller.signal });
    await waitFor(() => tries === 4, { what: "the first attempt" });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
    expect(tries).toBe(4);
  });
});

function disposable(session: SqlSession): AsyncDisposable & { readonly it: SqlSession } {
  return { it: session, [Symbol.asyncDispose]: async () => await session.close() };
}
