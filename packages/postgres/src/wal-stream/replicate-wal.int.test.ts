import { AppError } from "@tidemark/kit";
import { majors, standbyOf, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { parseDsn } from "../connection/dsn.ts";
import { type Lsn, parseLsn } from "../files/lsn.ts";
import { walSegmentStart } from "../files/wal-segment.ts";
import { ReplicationSession } from "../session/replication-session.ts";
import type { WalStreamEvent } from "./wal-stream-events.ts";

const segmentBytes = 1 << 20;
/** The oldest, where the commands' answers changed, and the newest; what receives is tested with all of them. */
const majorsToAsk = process.env.TIDEMARK_ALL_MAJORS === undefined ? ([13, 18] as const) : majors;

async function flushLsn(server: TestServer): Promise<Lsn> {
  const [row] = await server.query<{ lsn: string }>("SELECT pg_current_wal_flush_lsn()::text AS lsn");
  return parseLsn(row?.lsn ?? "");
}

async function codeOf(events: AsyncIterable<WalStreamEvent>): Promise<string> {
  try {
    for await (const _ of events);
    return "no error";
  } catch (error) {
    return error instanceof AppError ? error.code : String(error);
  }
}

describe.each(majorsToAsk)("a WAL stream of PostgreSQL %i", (major) => {
  it("carries data, positions, refusals, stops and the end of a timeline, and leaves the session free", async () => {
    await using primary = await testServer({
      major,
      walSegmentSizeMb: 1,
      settings: { max_wal_size: "2MB", min_wal_size: "2MB", max_slot_wal_keep_size: "1MB", wal_keep_size: "16MB" },
    });
    await using standby = await standbyOf(primary);
    const session = await ReplicationSession.connect(parseDsn(primary.dsn()));
    expect((await session.identifySystem()).timeline).toBe(1);
    await session.createPhysicalSlot("one", { reserveWal: true });
    const from = walSegmentStart(await flushLsn(primary), segmentBytes);

    // What has been flushed is what the slot no longer holds; stopping leaves the session free.
    const stream = session.startReplication({ slot: "one", startLsn: from, timeline: 1 });
    await primary.query("CREATE TABLE tide AS SELECT generate_series(1, 1000) AS n");
    const target = await flushLsn(primary);
    let position = from;
    for await (const event of stream.events()) {
      if (event.kind === "data") position = (event.startLsn + BigInt(event.bytes.length)) as Lsn;
      stream.report({ writtenLsn: position, flushedLsn: position });
      if (position >= target) void stream.stop();
    }
    const restart = async (): Promise<Lsn> => {
      const [row] = await primary.query<{ lsn: string }>("SELECT restart_lsn::text AS lsn FROM pg_replication_slots");
      return parseLsn(row?.lsn ?? "");
    };
    await waitFor(async () => (await restart()) >= target, { what: "the slot to move on" });
    expect((await session.identifySystem()).timeline).toBe(1);

    // A promoted standby says where its timeline branched off.
    const switched = await ReplicationSession.connect(parseDsn(standby.dsn()));
    expect((await switched.identifySystem()).timeline).toBe(1);
    const [received] = await standby.query<{ lsn: string }>("SELECT pg_last_wal_receive_lsn()::text AS lsn");
    const startLsn = walSegmentStart(parseLsn(received?.lsn ?? ""), segmentBytes);
    const last = switched.startReplication({ slot: null, startLsn, timeline: 1 }).events();
    let end: WalStreamEvent | null = null;
    let isPromoted = false;
    for await (const event of last) {
      end = event;
      if (!isPromoted) await standby.query("SELECT pg_promote(wait => false)");
      isPromoted = true;
    }
    expect(end).toMatchObject({ kind: "timeline-end", nextTimeline: 2 });
    const history = Buffer.from((await switched.timelineHistory(2))?.content ?? []).toString();
    expect(history).toMatch(/^1\t[0-9A-F]+\/[0-9A-F]+\t/);
    const { switchLsn } = end as WalStreamEvent & { kind: "timeline-end" };
    // Exactly at its end there is nothing to copy.
    const rest = switched.startReplication({ slot: null, startLsn: switchLsn, timeline: 1 }).events();
    const events: WalStreamEvent[] = [];
    for await (const event of rest) events.push(event);
    expect(events).toEqual([{ kind: "timeline-end", nextTimeline: 2, switchLsn }]);
    expect((await switched.identifySystem()).timeline).toBe(2);
    await switched.close();

    // Refusals, each with its own code.
    const start = { slot: null, startLsn: from, timeline: 1 };
    expect(await codeOf(session.startReplication({ ...start, slot: "two" }).events())).toBe("slot-missing");
    expect(await codeOf(session.startReplication({ ...start, timeline: 7 }).events())).toBe("wal-history-diverged");
    const ahead = (from + BigInt(segmentBytes) * 8n) as Lsn;
    expect(await codeOf(session.startReplication({ ...start, startLsn: ahead }).events())).toBe("wal-ahead-of-server");
    const other = await ReplicationSession.connect(parseDsn(primary.dsn()));
    await other.identifySystem();
    const held = other.startReplication({ ...start, slot: "one" });
    const pulled = held.events()[Symbol.asyncIterator]();
    await pulled.next();
    expect(await codeOf(session.startReplication({ ...start, slot: "one" }).events())).toBe("slot-in-use");
    await pulled.return?.();
    await other.close();
    await primary.query("ALTER SYSTEM SET wal_keep_size = 0");
    await primary.query("SELECT pg_reload_conf()");
    const removed = async (): Promise<boolean> => {
      await primary.query("CREATE TABLE IF NOT EXISTS filler (body text)");
      await primary.query("INSERT INTO filler SELECT repeat('x', 2000) FROM generate_series(1, 3000)");
      await primary.query("CHECKPOINT");
      const [row] = await primary.query<{ lost: boolean }>(
        "SELECT wal_status = 'lost' AS lost FROM pg_replication_slots WHERE slot_name = 'one'",
      );
      return row?.lost ?? false;
    };
    await waitFor(removed, { what: "the slot to be lost" });
    expect(await codeOf(session.startReplication(start).events())).toBe("wal-removed");
    const lost = await codeOf(session.startReplication({ ...start, slot: "one" }).events());
    expect(["slot-lost", "wal-removed"]).toContain(lost);
    await session.dropSlot("one");
    await session.close();
  });
});

describe("a WAL stream whose consumer is busy", () => {
  it("answers the server all the same, and a stopping server is told what is durable", async () => {
    await using server = await testServer({ walSegmentSizeMb: 1 });
    const settings = { ...parseDsn(server.dsn()), options: "-c wal_sender_timeout=1s" };
    const session = await ReplicationSession.connect(settings);
    await session.identifySystem();
    // A segment's beginning fits into what is read ahead: the server's question comes behind it.
    await server.query("SELECT pg_switch_wal()");
    await server.query("CREATE TABLE tide AS SELECT generate_series(1, 1000) AS n");
    const startLsn = walSegmentStart(await flushLsn(server), segmentBytes);
    const stream = session.startReplication({ slot: null, startLsn, timeline: 1 });
    const events = stream.events()[Symbol.asyncIterator]();
    await events.next();
    const answered = async () => {
      const [row] = await server.query<{ n: number }>(
        "SELECT extract(epoch FROM clock_timestamp() - backend_start)::int4 AS n FROM pg_stat_replication",
      );
      return (row?.n ?? 0) >= 3;
    };
    await waitFor(answered, { what: "the session to outlive the server's timeout" });
    await events.return?.();
    await session.close();
  });
});
