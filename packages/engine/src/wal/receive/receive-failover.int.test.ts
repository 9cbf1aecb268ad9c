import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { WalArchive } from "@tidemark/repository";
import { type Major, majors, standbyOf, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { compareWithServer, flushLsn, gather, segmentBytes, walServer, writeSegments } from "./received-wal.fixture.ts";
import { startReceiver } from "./receiver.fixture.ts";
import { repositoryWal } from "./repository-wal.fixture.ts";

async function caughtUp(standby: TestServer, lsn: bigint): Promise<void> {
  const text = `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`;
  const asked = `SELECT pg_last_wal_receive_lsn() >= $1::pg_lsn AND pg_last_wal_replay_lsn() >= $1::pg_lsn AS there`;
  await waitFor(async () => (await standby.query<{ there: boolean }>(asked, [text]))[0]?.there, {
    what: "the standby to catch up",
  });
}

async function promoted(standby: TestServer): Promise<void> {
  await standby.query("SELECT pg_promote()");
  await waitFor(
    async () => {
      const [row] = await standby.query<{ waits: boolean }>("SELECT pg_is_in_recovery() AS waits");
      return row?.waits === false;
    },
    { what: "the promotion" },
  );
}

/** Where the whole segments of a timeline begin. */
async function starts(archive: WalArchive, timeline: number): Promise<bigint[]> {
  const found: bigint[] = [];
  for await (const entry of archive.list({ timeline, segmentSizeBytes: segmentBytes }))
    if (entry.kind === "segment" && entry.startLsn !== null) found.push(entry.startLsn);
  return found;
}

const majorsToAsk: readonly Major[] = process.env.TIDEMARK_ALL_MAJORS === undefined ? [18] : majors;

describe.each(majorsToAsk)("failover of PostgreSQL %i", (major) => {
  it("is followed from the dead primary to the promoted standby, by who was there and by who comes later", async () => {
    await using primary = await testServer({ ...walServer, major });
    await using standby = await standbyOf(primary);
    const hosts = `127.0.0.1:${primary.port},127.0.0.1:${standby.port}`;
    const login = `${primary.superuser}:${primary.password}`;
    const both = `postgresql://${login}@${hosts}/postgres?target_session_attrs=read-write`;
    await using nearWal = await repositoryWal();
    await using farWal = await repositoryWal();
    const wals = { near: nearWal, far: farWal };
    const follow = (name: keyof typeof wals) => startReceiver(both, wals[name].archiveOf, { slotName: name });

    const early = follow("far");
    await early.reach(await writeSegments(primary, 1));
    await early.stop();
    await using near = follow("near");
    const lsn = await writeSegments(primary, 2);
    await near.reach(lsn);
    await caughtUp(standby, lsn);
    await primary.kill();
    await promoted(standby);
    await using far = follow("far");
    const end = await writeSegments(standby, 2);
    for (const [name, receiver] of Object.entries({ near, far }) as ["near" | "far", typeof near][]) {
      await waitFor(() => receiver.state.timeline === 2, { what: "the receiver to follow" });
      await receiver.reach(end);
      expect(receiver.gaps).toEqual([]);
      expect(receiver.timelines.map(({ timeline }) => timeline)).toEqual([1, 2]);
      const archive = await wals[name].archive();
      expect((await gather(archive.read("00000002.history"))).toString()).toMatch(/^1\t/);
      const verdict = await compareWithServer(archive, standby.dataDir, 2);
      expect(verdict.problems).toEqual([]);
      expect(verdict.endLsn).toBeGreaterThanOrEqual(end);
      // The old timeline's last segment is kept as what it is; the new one's first takes its place.
      const part = await archive.partial(1);
      expect(part?.ended).toBe(true);
      expect(part?.endLsn).toBeGreaterThanOrEqual(lsn);
      expect((await starts(archive, 2)).at(0)).toBe(part?.place.startLsn);
      expect((await starts(archive, 1)).at(-1)).toBe((part?.place.startLsn ?? 0n) - BigInt(segmentBytes));
    }
  });

  it("is followed on a stream from the standby itself, to a timeline that is not the next number", async () => {
    await using primary = await testServer({ ...walServer, major });
    await using standby = await standbyOf(primary);
    await appendFile(join(standby.dataDir, "postgresql.auto.conf"), "recovery_target_timeline = 'current'\n");
    await standby.restart();
    await using wal = await repositoryWal();
    await using receiver = startReceiver(standby.dsn(), wal.archiveOf);
    const lsn = await writeSegments(primary, 1);
    await receiver.reach(lsn);
    await caughtUp(standby, lsn);
    // Somebody else took the number 2 already.
    await writeFile(join(standby.dataDir, "pg_wal", "00000002.history"), "1\t0/2000000\tanother branch\n", {
      mode: 0o644,
    });
    await promoted(standby);
    await waitFor(() => receiver.state.timeline === 3, { what: "the receiver to follow" });
    await writeSegments(standby, 2);
    const end = await flushLsn(standby);
    await receiver.reach(end);
    expect(receiver.state.reconnects).toBe(0);
    const archive = await wal.archive();
    const verdict = await compareWithServer(archive, standby.dataDir, 3);
    expect(verdict.problems).toEqual([]);
    expect(verdict.endLsn).toBeGreaterThanOrEqual(end);
    expect(receiver.gaps).toEqual([]);
    expect([await archive.has("00000002.history"), await archive.has("00000003.history")]).toEqual([false, true]);
    expect((await archive.partial(1))?.ended).toBe(true);
  });
});
