import { AppError, systemClock } from "@tidemark/kit";
import { type Fault, FaultyStore } from "@tidemark/storage";
import { faultProxy, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { MemoryWal } from "./memory-wal.fixture.ts";
import { compareWithServer, flushLsn, walServer, writeSegments } from "./received-wal.fixture.ts";
import { startReceiver } from "./receiver.fixture.ts";
import { repositoryWal } from "./repository-wal.fixture.ts";

/** A server that waits for a silent client waits for wal_sender_timeout, which the receiver sets to 10 s; a busy machine for less. */
const notWaitedForMs = 9_000;
const restarts = Number(process.env.TIDEMARK_RESTARTS ?? 3);

async function elapsedMs(act: () => Promise<unknown>): Promise<number> {
  const since = systemClock.monotonicMs();
  await act();
  return systemClock.monotonicMs() - since;
}

describe("a receiver in trouble", () => {
  let server: Awaited<ReturnType<typeof testServer>>;

  beforeAll(async () => {
    server = await testServer(walServer);
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  afterEach(async () => {
    await server.query("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots");
  });

  /** Everything the server flushed is there, and right. */
  async function expectWhole(wal: MemoryWal, reach: (lsn: bigint) => Promise<void>): Promise<void> {
    const lsn = await flushLsn(server);
    await reach(lsn);
    const verdict = await compareWithServer(wal.archive, server.dataDir, 1);
    expect(verdict.problems).toEqual([]);
    expect(verdict.endLsn).toBeGreaterThanOrEqual(lsn);
  }

  async function walOf(): Promise<MemoryWal> {
    const [row] = await server.query<{ id: string }>("SELECT system_identifier::text AS id FROM pg_control_system()");
    return new MemoryWal(BigInt(row?.id ?? 0));
  }

  const slot = (name: string) => ({ slotName: name });

  it("follows a server that restarts again and again while it is written to, and delays no shutdown", async () => {
    const wal = await walOf();
    const restart = async (): Promise<number> => {
      const writing = writeSegments(server, 20).catch(() => undefined);
      const before = await flushLsn(server);
      await waitFor(async () => (await flushLsn(server)) > before + 300_000n, { what: "the writer" });
      const tookMs = await elapsedMs(() => server.stop({ mode: "fast" }));
      await writing;
      await server.start();
      return tookMs;
    };
    // What a shutdown takes here and now, with nobody to wait for.
    const alone = Math.max(await restart(), await restart());
    await using receiver = startReceiver(server.dsn(), () => wal.archive, slot("restarts"));
    await receiver.streams();
    const delays: number[] = [];
    for (let n = 0; n < restarts; n++) delays.push((await restart()) - alone);
    expect(Math.max(...delays), `${restarts} restarts, ${alone} ms without a receiver`).toBeLessThan(notWaitedForMs);
    await expectWhole(wal, receiver.reach);
    expect(receiver.gaps).toEqual([]);
  });

  it("lets a server go that shuts down while the repository hangs, and receives the rest when it is back", async () => {
    const wal = await walOf();
    await using receiver = startReceiver(server.dsn(), () => wal.archive, { ...slot("hang"), synchronous: true });
    await receiver.streams();
    await receiver.reach(await flushLsn(server));
    const released = Promise.withResolvers<void>();
    wal.onAct = (act) => (act === "flush" ? released.promise : undefined);
    await writeSegments(server, 1);
    expect(await elapsedMs(() => server.stop({ mode: "fast" }))).toBeLessThan(notWaitedForMs);
    await waitFor(() => receiver.state.error?.code === "storage-unreachable", { what: "the receiver to say why" });
    wal.onAct = () => undefined;
    released.resolve();
    await server.start();
    await expectWhole(wal, receiver.reach);
  });

  it.each(["begin", "write", "flush", "finish"] as const)(
    "waits while the repository refuses (%s), reports nothing meanwhile, and goes on",
    async (failing) => {
      const wal = await walOf();
      await using receiver = startReceiver(server.dsn(), () => wal.archive, slot(`full_${failing}`));
      await receiver.reach(await writeSegments(server, 1));
      wal.onAct = (act) => {
        if (act === failing) throw new AppError("storage-full", { message: "no space is left" });
      };
      const lsn = await writeSegments(server, 2);
      await waitFor(() => receiver.state.error?.code === "storage-full", { what: "the receiver to say why" });
      expect(receiver.state.flushedLsn).toBeLessThan(lsn);
      wal.onAct = () => undefined;
      await expectWhole(wal, receiver.reach);
      expect(receiver.gaps).toEqual([]);
    },
  );

  it.each(["append", "sync", "publish"] as const)(
    "loses nothing when the disk of a repository is full for a while (%s)",
    async (operation) => {
      const full: Fault = { operation, from: 1, times: 5, effect: { kind: "error-before", code: "storage-full" } };
      await using wal = await repositoryWal((store) => new FaultyStore(store, { faults: [full] }));
      await using receiver = startReceiver(server.dsn(), wal.archiveOf, {
        ...slot(`disk_${operation}`),
        synchronous: true,
      });
      await receiver.streams();
      const hasRefused = (): boolean => receiver.states.some(({ error }) => error?.code === "storage-full");
      // Many segments at once may be stored without one sync: only what comes bit by bit meets every act of the store.
      await waitFor(
        async () => {
          await server.query("SELECT pg_logical_emit_message(true, 'tidemark', 'a bit')");
          await receiver.reach(await flushLsn(server));
          return hasRefused();
        },
        { what: "the disk to be full" },
      );
      const lsn = await writeSegments(server, 4);
      await receiver.reach(lsn);
      const verdict = await compareWithServer(await wal.archive(), server.dataDir, 1);
      expect(verdict.problems).toEqual([]);
      expect(receiver.gaps).toEqual([]);
    },
  );

  it("goes on behind a line that is cut, reset, stalls, or whose other end vanished", async () => {
    const lines = {
      one: ["cutAfterBytes", "resetAfterBytes", "halfOpenAfterBytes"],
      two: ["garbageAfterBytes", "stallAfterBytes"],
    };
    const follow = async (name: string, faults: readonly string[]): Promise<void> => {
      await using proxy = await faultProxy({ host: "127.0.0.1", port: server.port });
      const dsn = server.dsn().replace(`:${server.port}/`, `:${proxy.port}/`);
      const wal = await walOf();
      await using receiver = startReceiver(dsn, () => wal.archive, slot(`line_${name}`));
      for (const fault of faults) {
        await receiver.streams();
        const before = receiver.state.reconnects;
        proxy.setFaults({ [fault]: 700_000 });
        await writeSegments(server, 2);
        await waitFor(() => receiver.state.reconnects > before, { what: `the receiver to notice ${fault}` });
        proxy.setFaults({});
        proxy.resetAll();
        await receiver.reach(await flushLsn(server));
      }
      await expectWhole(wal, receiver.reach);
      expect(receiver.gaps).toEqual([]);
    };
    await Promise.all(Object.entries(lines).map(([name, faults]) => follow(name, faults)));
  });

  it("takes over from a receiver of its own role, and the one that lost its claim ends", async () => {
    const wal = await walOf();
    let isOurs = true;
    const confirmClaim = async () => {
      if (!isOurs) throw new AppError("lease-lost", { message: "another worker has the claim" });
      return "ours" as const;
    };
    await using first = startReceiver(server.dsn(), () => wal.archive, slot("claim"), { confirmClaim });
    await first.streams();
    await using unsure = startReceiver(server.dsn(), () => wal.archive, slot("claim"), {
      confirmClaim: async () => "unknown" as const,
    });
    await waitFor(() => unsure.state.error?.code === "slot-in-use", { what: "who is not sure to leave it alone" });
    await unsure.stop();
    isOurs = false;
    await using second = startReceiver(server.dsn(), () => wal.archive, { ...slot("claim"), writer: "test-2" });
    await second.streams();
    await expect(first.ends()).rejects.toMatchObject({ code: "lease-lost" });
    await writeSegments(server, 2);
    await expectWhole(wal, second.reach);
  });

  it("refuses another cluster that answers at the same address", async () => {
    const wal = await walOf();
    const foreign = { ...slot("foreign"), systemIdentifier: 7n };
    await using receiver = startReceiver(server.dsn(), () => wal.archive, foreign);
    await waitFor(() => receiver.state.error?.code === "wal-foreign-server", { what: "the refusal" });
    expect([wal.segments.size, wal.parts.size]).toEqual([0, 0]);
    const slots = await server.query("SELECT 1 FROM pg_replication_slots WHERE slot_name = 'foreign'");
    expect(slots).toEqual([]);
  });

  it("stops in good order: what arrived is durable and the slot is free", async () => {
    const wal = await walOf();
    await using receiver = startReceiver(server.dsn(), () => wal.archive, { ...slot("order"), flushEveryMs: 60_000 });
    await receiver.streams();
    const lsn = await writeSegments(server, 1);
    await waitFor(() => (receiver.state.receivedLsn ?? 0n) >= lsn, { what: "the receiver to have it" });
    await receiver.stop();
    expect((await wal.archive.partial(1))?.endLsn).toBeGreaterThanOrEqual(lsn);
    const [row] = await server.query("SELECT active FROM pg_replication_slots WHERE slot_name = 'order'");
    expect(row).toEqual({ active: false });
  });
});
