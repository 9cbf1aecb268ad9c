import { AppError, newId, systemClock } from "@tidemark/kit";
import { createLogger } from "@tidemark/kit/logger";
import { migrate, openMetadata } from "@tidemark/metadata";
import { type RedisServer, redisServer, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQueues } from "./open-queues.ts";
import type { QueuePlace, Queues, Ring } from "./queues.ts";

const logger = createLogger({ name: "test", level: "silent" });

let server: TestServer;
let redis: RedisServer;
let databaseUrl: string;

beforeAll(async () => {
  [server, redis] = await Promise.all([testServer(), redisServer()]);
  databaseUrl = server.dsn();
  await migrate(databaseUrl);
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** Everything in the queue is gone, as after FLUSHALL or a restore of an empty database. */
const losses = {
  postgresql: async () => {
    await server.query("TRUNCATE bullmq.job, bullmq.scheduler, bullmq.event CASCADE");
  },
  redis: async () => {
    expect(await redis.command("FLUSHALL")).toBe("+OK");
  },
};

const breakConnections = {
  postgresql: async () => {
    await server.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name NOT IN ('', 'psql') AND pid <> pg_backend_pid()",
    );
  },
  redis: async () => {
    expect(await redis.command("CLIENT KILL TYPE normal")).toMatch(/^:/);
  },
};

describe.each(["postgresql", "redis"] as const)("queues in %s", (backend) => {
  const place = (): QueuePlace => (backend === "redis" ? { redisUrl: redis.url } : { databaseUrl });
  const use = async (act: (queues: Queues) => Promise<void>) => {
    const queues = await openQueues(place(), { logger });
    try {
      await act(queues);
    } finally {
      await queues.close();
    }
  };

  it("rings a run's bell once however often it is rung while it hangs, and again when it is over", () =>
    use(async (queues) => {
      expect(queues.backend).toBe(backend);
      await queues.ping();
      const runId = newId("run");
      await Promise.all(Array.from({ length: 8 }, () => queues.ring(runId, "backup")));
      const rings: Ring[] = [];
      queues.createWorker("backup", async (ring) => void rings.push(ring), { concurrency: 4 });
      await waitFor(() => rings.length > 0, { what: "the first ring" });
      const other = newId("run");
      await queues.ring(other, "backup");
      await waitFor(() => rings.length > 1, { what: "the other ring" });
      expect(rings).toEqual([
        { name: "backup", runId },
        { name: "backup", runId: other },
      ]);
      await waitFor(
        async () => {
          await queues.ring(runId, "backup");
          return rings.length >= 3;
        },
        { what: "the bell to ring anew" },
      );
    }));

  it("gives one bell to one of two workers and nothing twice at the same time", () =>
    use(async (queues) => {
      const runIds = Array.from({ length: 20 }, () => newId("run"));
      const rung: string[] = [];
      for (let worker = 0; worker < 2; worker++) {
        queues.createWorker("verify", async (ring) => void rung.push("runId" in ring ? ring.runId : ""), {
          concurrency: 5,
        });
      }
      for (const runId of runIds) await queues.ring(runId, "verify");
      await waitFor(() => rung.length >= runIds.length, { what: "all rings" });
      expect([...rung].sort()).toEqual([...runIds].sort());
    }));

  it("tries again after an error that may pass, and never after one that will not", () =>
    use(async (queues) => {
      const passing = newId("run");
      const lasting = newId("run");
      const tries = new Map<string, number>();
      queues.createWorker(
        "connection",
        async (ring) => {
          const id = "runId" in ring ? ring.runId : "";
          tries.set(id, (tries.get(id) ?? 0) + 1);
          if (id === lasting) throw new AppError("internal", { message: "a bug" });
          if (tries.get(id) === 1) throw new AppError("metadata-unreachable", { message: "away" });
        },
        { concurrency: 2 },
      );
      await queues.ring(lasting, "mark");
      await queues.ring(passing, "connection-test");
      await waitFor(() => tries.get(passing) === 2, { what: "the second try" });
      expect(tries.get(lasting)).toBe(1);
    }));

  it("lets a run that must wait ring again later, or at once when somebody rings", () =>
    use(async (queues) => {
      const soon = newId("run");
      const late = newId("run");
      const count = new Map<string, number>();
      queues.createWorker(
        "restore",
        async (ring) => {
          const id = "runId" in ring ? ring.runId : "";
          count.set(id, (count.get(id) ?? 0) + 1);
          if ((count.get(id) ?? 0) < 5 && id === soon) return { againInMs: 20 };
          if (count.get(id) === 1) return { againInMs: 3_600_000 };
          return undefined;
        },
        { concurrency: 2 },
      );
      await queues.ring(soon, "restore");
      await queues.ring(late, "restore", { delayMs: 3_600_000 });
      // More often than the attempts of a job: waiting is no failure.
      await waitFor(() => count.get(soon) === 5, { what: "five rings" });
      expect(count.get(late)).toBeUndefined();
      await queues.ring(late, "restore");
      await waitFor(() => count.get(late) === 1, { what: "the ring brought forward" });
      await waitFor(
        async () => {
          await queues.ring(late, "restore");
          return (count.get(late) ?? 0) >= 2;
        },
        { what: "the ring brought forward a second time" },
      );
    }));

  it("waits for running handlers when it closes, and tells them to stop when the grace is over", () =>
    use(async (queues) => {
      const seen: string[] = [];
      const worker = queues.createWorker(
        "drill",
        async (_, signal) => {
          seen.push("started");
          await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
          seen.push("stopped");
        },
        { concurrency: 1 },
      );
      await queues.ring(newId("run"), "drill");
      await waitFor(() => seen.length === 1, { what: "the handler to start" });
      await worker.close(50);
      expect(seen).toEqual(["started", "stopped"]);
    }));

  it("fires schedules in their zone, lists them, changes and removes them", () =>
    use(async (queues) => {
      const daily = newId("schedule");
      await queues.upsertSchedule(daily, "0 3 * * *", "Europe/Berlin");
      await queues.upsertSchedule(daily, "30 4 * * *", "America/New_York");
      const listed = await queues.listSchedules();
      expect(listed).toMatchObject([{ scheduleId: daily, cron: "30 4 * * *", zone: "America/New_York" }]);
      const clock = new Intl.DateTimeFormat("en-GB", { timeZone: "America/New_York", timeStyle: "short" });
      expect(clock.format(listed[0]?.nextAt ?? new Date(0))).toBe("04:30");
      await expect(queues.upsertSchedule(newId("schedule"), "61 3 * * *", "Europe/Berlin")).rejects.toMatchObject({
        code: "cron-invalid",
      });
      await expect(queues.upsertSchedule(newId("schedule"), "0 3 * * *", "Mars/Olympus")).rejects.toMatchObject({
        code: "cron-invalid",
      });

      const often = newId("schedule");
      const ticks: Ring[] = [];
      queues.createWorker("maintenance", async (ring) => void ticks.push(ring), { concurrency: 1 });
      await queues.upsertSchedule(often, "* * * * * *", "UTC");
      await waitFor(() => ticks.length >= 2, { what: "two ticks" });
      expect(await queues.removeSchedule(often)).toBe(true);
      expect(await queues.removeSchedule(often)).toBe(false);
      const [first, second] = ticks;
      if (first?.name !== "schedule-tick" || second?.name !== "schedule-tick") throw new Error("not ticks");
      expect(first.scheduleId).toBe(often);
      expect(first.firedFor.getTime() % 1_000).toBe(0);
      expect(second.firedFor.getTime()).toBeGreaterThan(first.firedFor.getTime());
      await queues.removeSchedule(daily);
      expect(await queues.listSchedules()).toEqual([]);
    }));

  it("loses no run when the queue is emptied: the rows say which bells to ring again", () =>
    use(async (queues) => {
      const metadata = openMetadata({ url: databaseUrl, logger });
      try {
        const { run } = await metadata.runs.create({
          kind: "collect",
          request: { serverId: "srv_x" },
          requestedBy: "tidemark",
        });
        await queues.ring(run.id, run.kind);
        await metadata.runs.markRung([run.id]);
        await losses[backend]();
        const done: string[] = [];
        queues.createWorker(
          "maintenance",
          async (ring) => {
            if (!("runId" in ring)) return;
            done.push(ring.runId);
            await metadata.runs.finish(ring.runId, { state: "succeeded" });
          },
          { concurrency: 1 },
        );
        for (const lost of await metadata.runs.findUnrung({ olderThanMs: 0 })) await queues.ring(lost.id, lost.kind);
        await waitFor(() => done.includes(run.id), { what: "the run to be done after all" });
      } finally {
        await metadata.close();
      }
    }));

  it("rings on after all its connections broke", () =>
    use(async (queues) => {
      const rung = new Set<string>();
      queues.createWorker("retention", async (ring) => void ("runId" in ring && rung.add(ring.runId)), {
        concurrency: 1,
      });
      const [before, after] = [newId("run"), newId("run")];
      await queues.ring(before, "retention");
      await waitFor(() => rung.has(before), { what: "the first ring" });
      await breakConnections[backend]();
      await waitFor(
        async () => {
          if (!rung.has(after)) await queues.ring(after, "retention");
          return rung.has(after);
        },
        { what: "the ring after the break" },
      );
    }));

  it("says queue-unreachable when the place does not answer", async () => {
    const nowhere: QueuePlace =
      backend === "redis"
        ? { redisUrl: "redis://127.0.0.1:1" }
        : { databaseUrl: "postgresql://a:geheim@127.0.0.1:1/x" };
    const failure = await openQueues(nowhere, { logger }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "queue-unreachable" });
    expect(String(failure)).not.toContain("geheim");
  });
});

// BullMQ, refused the LISTEN after a loss, listens for up to an hour from the next one on; and a connection that nobody
// closed and nothing comes through is only found out by asking.
it("hears a bell within seconds although it listens, after an error, on a connection that is gone", async () => {
  await using mortal = await testServer();
  await migrate(mortal.dsn());
  const queues = await openQueues({ databaseUrl: mortal.dsn() }, { logger });
  const refusal = refuseListening();
  const listeners = async () => {
    const rows = await mortal.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE state = 'idle' AND query ~ '\\mLISTEN\\M' AND pid <> pg_backend_pid()",
    );
    return rows.map(({ pid }) => pid);
  };
  const isListening = async () => (await listeners()).length > 0;
  let stopped: readonly number[] = [];
  try {
    const rung = new Set<string>();
    queues.createWorker("backup", async (ring) => void ("runId" in ring && rung.add(ring.runId)), { concurrency: 1 });
    await waitFor(isListening, { what: "the worker to listen", timeoutMs: 60_000 });
    refusal.begin();
    for (const pid of await listeners()) await mortal.query(`SELECT pg_terminate_backend(${pid})`);
    await waitFor(() => refusal.count() > 0, { what: "a refused LISTEN", timeoutMs: 60_000 });
    refusal.end();
    await waitFor(isListening, { what: "the worker to listen again", timeoutMs: 60_000 });
    stopped = await listeners();
    for (const pid of stopped) process.kill(pid, "SIGSTOP");
    const runId = newId("run");
    await queues.ring(runId, "backup");
    await waitFor(() => rung.has(runId), { what: "the bell", timeoutMs: 60_000 });
  } finally {
    for (const pid of stopped) process.kill(pid, "SIGCONT");
    refusal.end();
    await queues.close();
  }
}, 240_000);

/** Fails every LISTEN of this process between `begin` and `end`, as a database does that goes away just then. */
function refuseListening() {
  const { query } = pg.Client.prototype;
  let refused = 0;
  return {
    count: () => refused,
    begin: () => {
      pg.Client.prototype.query = function (this: pg.Client, ...asked: unknown[]) {
        if (!/\bLISTEN\b/.test(String(asked[0]))) return Reflect.apply(query, this, asked);
        refused++;
        return Promise.reject(new Error("Connection terminated unexpectedly"));
      } as typeof query;
    },
    end: () => {
      pg.Client.prototype.query = query;
    },
  };
}

it("begins without Redis where it may be away, says so, and rings once it is there", async () => {
  await using late = await redisServer();
  await late.kill();
  const said: string[] = [];
  const telling = { ...logger, warn: (_about: unknown, text: string) => void said.push(text) } as typeof logger;
  const queues = await openQueues({ redisUrl: late.url }, { logger: telling, mayBeAway: true });
  try {
    const rung: string[] = [];
    queues.createWorker("backup", async (ring) => void rung.push("runId" in ring ? ring.runId : ""), {
      concurrency: 1,
    });
    const [early, runId] = [newId("run"), newId("run")];
    await expect(queues.ring(early, "backup")).rejects.toMatchObject({ code: "queue-unreachable" });
    await expect(queues.listSchedules()).rejects.toMatchObject({ code: "queue-unreachable" });
    expect(said).toContain("the queue cannot be reached: nothing is begun until it can");
    await late.start();
    await waitFor(
      () =>
        queues.ring(runId, "backup").then(
          () => true,
          () => false,
        ),
      // BullMQ tries a connection again after 20 s at the most.
      { what: "the first ring", timeoutMs: 60_000 },
    );
    await waitFor(() => rung.includes(runId), { what: "the ring to arrive", timeoutMs: 60_000 });
    expect(rung).not.toContain(early);
  } finally {
    await queues.close();
  }
});

it("closes in bounded time while the place it waits for is away", async () => {
  const queues = await openQueues({ redisUrl: "redis://127.0.0.1:1" }, { logger, mayBeAway: true });
  const worker = queues.createWorker("backup", async () => undefined, { concurrency: 1 });
  const startedMs = systemClock.monotonicMs();
  await worker.close();
  await queues.close();
  expect(systemClock.monotonicMs() - startedMs).toBeLessThan(12_000);
});

it("migrate leaves the queue's tables alone and finds no drift in them", async () => {
  expect(await migrate(databaseUrl)).toEqual({ applied: [] });
  const rows = await server.query(
    "SELECT 1 FROM information_schema.tables WHERE table_schema = 'bullmq' AND table_name = 'job'",
  );
  expect(rows).toHaveLength(1);
});

it.each(["postgresql", "redis"] as const)("closes in bounded time when %s is gone", async (backend) => {
  const [goingServer, goingRedis] = await Promise.all([testServer(), redisServer()]);
  await migrate(goingServer.dsn());
  const queues = await openQueues(
    backend === "redis" ? { redisUrl: goingRedis.url } : { databaseUrl: goingServer.dsn() },
    { logger },
  );
  const rung: string[] = [];
  queues.createWorker("backup", async (ring) => void rung.push(ring.name), { concurrency: 1 });
  await queues.ring(newId("run"), "backup");
  await waitFor(() => rung.length === 1, { what: "the ring" });
  await goingServer[Symbol.asyncDispose]();
  await goingRedis[Symbol.asyncDispose]();
  const startedMs = systemClock.monotonicMs();
  await queues.close();
  expect(systemClock.monotonicMs() - startedMs).toBeLessThan(12_000);
});
