import { AppError } from "@tidemark/kit";
import {
  type FaultProxy,
  type Faults,
  faultProxy,
  findLeaks,
  type TestServer,
  testServer,
  waitFor,
} from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDsn } from "../connection/dsn.ts";
import { testConnection } from "../connection/test-connection.ts";
import { ReplicationSession } from "./replication-session.ts";
import { SecretSearch, scramKeys } from "./secret-search.fixture.ts";
import { SqlSession } from "./sql-session.ts";

const password = "tide-and-time-wait";
/** For lines that hang: it is waited for. */
const shortMs = 300;
/** For lines that do not: a busy machine must not take slowness for a fault. */
const ampleMs = 20_000;
/** Beyond every limit, for a machine that is busy; a hang would be for ever. */
const patienceMs = 10_000;

describe.each([13, 18] as const)("PostgreSQL %i behind a faulty line", (major) => {
  let server: TestServer;
  let proxy: FaultProxy;
  const search = new SecretSearch();

  beforeAll(async () => {
    server = await testServer({ major, settings: { max_wal_senders: 40, max_replication_slots: 40 } });
    await server.query(`SET password_encryption = 'scram-sha-256'`);
    await server.query(`CREATE ROLE shipper LOGIN REPLICATION PASSWORD '${password}'`);
    proxy = await faultProxy({ host: "127.0.0.1", port: server.port });
  });

  afterAll(async () => {
    await using _ = server;
    await proxy?.[Symbol.asyncDispose]();
    const [row] = await server.query<{ rolpassword: string }>(
      "SELECT rolpassword FROM pg_authid WHERE rolname = 'shipper'",
    );
    search.expectNone([password, dsn(), ...scramKeys(row?.rolpassword ?? "", password)]);
  });

  const dsn = (): string => `postgresql://shipper:${password}@127.0.0.1:${proxy.port}/postgres?sslmode=disable`;
  const limited = (ms: number) => ({ timeoutMs: ms, commandTimeoutMs: ms, stallLimitMs: ms, logger: search.logger });

  /** Logs in, asks for text and bytes, says goodbye. The answers are right, or there is an error. */
  async function sqlTalk(ms: number): Promise<void> {
    // The server itself gives nothing up: what it says of that would be no fault of the line.
    const question = { timeoutMs: ampleMs, answerWithinMs: ms };
    const session = await SqlSession.connect(parseDsn(dsn()), limited(ms));
    try {
      const rows = await session.query("SELECT $1::int4 AS n, $2::text AS t", [42, "tide"], question);
      expect(rows).toEqual([{ n: 42, t: "tide" }]);
      const bytes = await session.queryBinary("SELECT $1::bytea", [Buffer.from([0, 255, 195, 40])], question);
      expect(bytes).toEqual([[Buffer.from([0, 255, 195, 40])]]);
    } finally {
      await session.close();
    }
  }

  /** One that was given up may live a moment longer than its session. */
  let slots = 0;

  /** Logs in, makes a temporary slot, says goodbye. */
  async function replicationTalk(ms: number): Promise<void> {
    const session = await ReplicationSession.connect(parseDsn(dsn()), limited(ms));
    try {
      await session.createTemporarySlot(`tidemark_faulty_${String(slots++).padStart(4, "0")}`);
      expect((await session.identifySystem()).timeline).toBe(1);
      expect(await session.show("wal_level")).toBe("replica");
    } finally {
      await session.close();
    }
  }

  const talks = { sql: sqlTalk, replication: replicationTalk };
  type Kind = keyof typeof talks;

  /** The code it failed with; null when it did not. Never later than what applies. */
  async function outcome(kind: Kind, ms: number): Promise<string | null> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`${kind} hangs`)), ms * 3 + patienceMs);
    try {
      await Promise.race([talks[kind](ms), late]);
      return null;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      search.add(error);
      return error.code;
    } finally {
      clearTimeout(timer);
    }
  }

  /** 18 is looked at closely; what differs in 13 are messages, not how bytes are read. */
  const stride = (step: number): number => (major === 18 ? step : step * 4 + 1);

  async function expectNoLeaks(): Promise<void> {
    await waitFor(async () => (await findLeaks(server)).length === 0, { what: "the server to forget the sessions" });
  }

  /** What a whole conversation has from the server, in bytes. */
  async function lengthOf(kind: Kind): Promise<number> {
    proxy.setFaults({});
    const before = proxy.bytesPassed;
    expect(await outcome(kind, ampleMs)).toBeNull();
    return proxy.bytesPassed - before;
  }

  /** Faults at every `step`th byte; how often each code came. */
  async function sweep(
    kind: Kind,
    fault: (afterBytes: number) => Faults,
    step: number,
    ms: number,
  ): Promise<Record<string, number>> {
    const total = await lengthOf(kind);
    expect(total).toBeGreaterThan(400);
    const codes: Record<string, number> = {};
    for (let at = 0; at < total; at += step) {
      proxy.setFaults(fault(at));
      const code = (await outcome(kind, ms)) ?? "no error";
      codes[code] = (codes[code] ?? 0) + 1;
    }
    proxy.setFaults({});
    await expectNoLeaks();
    return codes;
  }

  describe.each(["sql", "replication"] as const)("%s session", (kind) => {
    it("tells a line that is cut at any byte as lost", async () => {
      const codes = await sweep(kind, (cutAfterBytes) => ({ cutAfterBytes }), stride(kind === "sql" ? 5 : 17), ampleMs);
      expect(Object.keys(codes)).toEqual(["connection-lost"]);
    });

    it("tells a line that is reset at any byte as lost", async () => {
      const codes = await sweep(kind, (resetAfterBytes) => ({ resetAfterBytes }), stride(23), ampleMs);
      expect(Object.keys(codes)).toEqual(["connection-lost"]);
    });

    it("never takes nonsense for an answer, wherever it begins", async () => {
      const codes = await sweep(kind, (garbageAfterBytes) => ({ garbageAfterBytes }), stride(47), shortMs);
      const allowed = ["protocol-violation", "connection-timeout", "connection-lost", "auth-method-unsupported"];
      expect(allowed).toEqual(expect.arrayContaining(Object.keys(codes)));
      expect(codes["protocol-violation"]).toBeGreaterThan(0);
    });

    it("gives up a line that stalls, or whose other end vanished, when its time is over", async () => {
      const total = await lengthOf(kind);
      for (const share of [0.1, 0.9]) {
        const at = Math.floor(total * share);
        proxy.setFaults({ stallAfterBytes: at });
        expect([at, await outcome(kind, shortMs)]).toEqual([at, "connection-timeout"]);
        proxy.setFaults({ halfOpenAfterBytes: at });
        expect([at, await outcome(kind, shortMs)]).toEqual([at, "connection-timeout"]);
      }
      proxy.resetAll();
      proxy.setFaults({});
      await expectNoLeaks();
    });

    it("is only slower over a slow line", async () => {
      proxy.setFaults({ delayMs: 15 });
      expect(await outcome(kind, ampleMs)).toBeNull();
      proxy.setFaults({ refuse: true });
      expect(await outcome(kind, ampleMs)).toBe("connection-lost");
      proxy.setFaults({});
      await expectNoLeaks();
    });
  });

  it("reports the step at which the line failed, and nothing beyond", async () => {
    // After the login a question's own limit holds, and five seconds for its answer's way.
    for (const stallAfterBytes of major === 18 ? [0, 600, 1500] : [0, 600]) {
      proxy.setFaults({ stallAfterBytes });
      const report = await testConnection(parseDsn(dsn()), { timeoutMs: shortMs, questionTimeoutMs: shortMs });
      search.add(report);
      const failed = report.steps.findIndex(({ state }) => state === "failed");
      expect(report.steps[failed]?.error?.code).toBe("connection-timeout");
      for (const later of report.steps.slice(failed + 1)) expect(later).toMatchObject({ state: "skipped", detail: "" });
    }
    proxy.resetAll();
    proxy.setFaults({});
    await expectNoLeaks();
  });

  it.each(["stallAfterBytes", "halfOpenAfterBytes"] as const)(
    "gives up a base backup over such a line (%s)",
    async (fault) => {
      proxy.setFaults({ [fault]: 3_000_000 });
      const session = await ReplicationSession.connect(parseDsn(dsn()), { ...limited(shortMs), timeoutMs: ampleMs });
      const events = session.baseBackup({ label: "x", checkpoint: "fast", includeWal: true, progress: false }).events();
      const error = await drain(events);
      search.add(error);
      expect(error).toMatchObject({ code: "backup-session-lost", message: expect.stringContaining("sent nothing") });
      await session.close();
      proxy.resetAll();
      proxy.setFaults({});
      await expectNoLeaks();
    },
  );
});

async function drain(events: AsyncIterable<unknown>): Promise<unknown> {
  try {
    for await (const _ of events);
    return null;
  } catch (error) {
    return error;
  }
}
