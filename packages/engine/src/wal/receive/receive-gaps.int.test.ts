import { parseLsn } from "@tidemark/postgres";
import { type Major, majors, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { compareWithServer, flushLsn, segmentBytes, writeSegments } from "./received-wal.fixture.ts";
import { startReceiver } from "./receiver.fixture.ts";
import { repositoryWal } from "./repository-wal.fixture.ts";

/** How a lost slot is told differs between the oldest and the newest; every major on request. */
const majorsToAsk: readonly Major[] = process.env.TIDEMARK_ALL_MAJORS === undefined ? [13, 18] : majors;
const forgetful = { max_wal_size: "4MB", min_wal_size: "2MB", wal_keep_size: 0, checkpoint_timeout: "1h" };

/** Writes until the server has removed the segment at `lsn`. */
async function removeWal(server: TestServer, lsn: bigint): Promise<void> {
  await waitFor(
    async () => {
      await writeSegments(server, 4);
      await server.query("CHECKPOINT");
      const [row] = await server.query<{ oldest: string }>("SELECT min(name) AS oldest FROM pg_ls_waldir()");
      return Number.parseInt(row?.oldest.slice(16) ?? "0", 16) > Number(lsn / BigInt(segmentBytes));
    },
    { what: "the server to remove WAL" },
  );
}

async function restartLsn(server: TestServer): Promise<bigint> {
  const [row] = await server.query<{ lsn: string }>("SELECT restart_lsn::text AS lsn FROM pg_replication_slots");
  return parseLsn(row?.lsn ?? "");
}

describe.each(majorsToAsk)("a gap on PostgreSQL %i", (major: Major) => {
  it("is told once with its cause and both ends, and receiving goes on behind it", async () => {
    const limit = { max_slot_wal_keep_size: "2MB" };
    await using server = await testServer({ major, walSegmentSizeMb: 1, settings: { ...forgetful, ...limit } });
    await using wal = await repositoryWal();
    const { archiveOf } = wal;

    const first = startReceiver(server.dsn(), archiveOf);
    await first.reach(await writeSegments(server, 2));
    await first.stop();
    const before = first.state.flushedLsn ?? 0n;
    await server.query("SELECT pg_drop_replication_slot('tidemark_test')");
    await removeWal(server, before);
    await using second = startReceiver(server.dsn(), archiveOf);
    await second.reach(await writeSegments(server, 1));
    expect(second.gaps).toMatchObject([{ timeline: 1, cause: "slot-missing" }]);
    const [dropped] = second.gaps;
    expect(dropped?.fromLsn).toBeGreaterThanOrEqual(before);
    expect(dropped?.toLsn).toBeGreaterThan(before);
    await second.stop();

    // The slot is there, and gave its WAL up.
    const lostAt = second.state.flushedLsn ?? 0n;
    await removeWal(server, lostAt);
    await using third = startReceiver(server.dsn(), archiveOf);
    await third.reach(await writeSegments(server, 1));
    expect(third.gaps).toMatchObject([{ timeline: 1, cause: "slot-lost" }]);
    await third.stop();

    // Known gaps are not found again, and nothing else is missing.
    await using fourth = startReceiver(server.dsn(), archiveOf);
    const end = await writeSegments(server, 2);
    await fourth.reach(end);
    expect(fourth.gaps).toEqual([]);
    await waitFor(async () => (await restartLsn(server)) >= end, { what: "the slot to move on" });
    await fourth.stop();
    const verdict = await compareWithServer(await wal.archive(), server.dataDir, 1, third.gaps[0]?.toLsn);
    expect(verdict.problems).toEqual([]);
    expect(verdict.endLsn).toBeGreaterThanOrEqual(end);
    expect(await flushLsn(server)).toBeGreaterThanOrEqual(end);
  });
});
