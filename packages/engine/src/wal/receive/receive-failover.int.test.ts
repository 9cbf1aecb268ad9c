import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { standbyOf, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { MemoryWal } from "./memory-wal.fixture.ts";
import { compareWithServer, flushLsn, segmentBytes, walServer, writeSegments } from "./received-wal.fixture.ts";
import { startReceiver } from "./receiver.fixture.ts";

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

const majorsToFail = (process.env.TIDEMARK_FAILOVER_MAJORS ?? "13,18").split(",").map(Number) as (13 | 18)[];

describe.each(majorsToFail)("failover of PostgreSQL %i", (major) => {
  it("is followed from the dead primary to the promoted standby, by who was there and by who comes later", async () => {
    await using primary = await testServer({ ...walServer, major });
    await using standby = await standbyOf(primary);
    const hosts = `127.0.0.1:${primary.port},127.0.0.1:${standby.port}`;
    const login = `${primary.superuser}:${primary.password}`;
    const both = `postgresql://${login}@${hosts}/postgres?target_session_attrs=read-write`;
    const wals = { near: new MemoryWal(0n), far: new MemoryWal(0n) };
    const follow = (name: keyof typeof wals) =>
      startReceiver(both, (id) => Object.assign(wals[name].archive, { systemIdentifier: id }), { slotName: name });

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
      const wal = wals[name];
      expect(Buffer.from(wal.histories.get(2) ?? []).toString()).toMatch(/^1\t/);
      const verdict = await compareWithServer(wal.archive, standby.dataDir, 2);
      expect(verdict.problems).toEqual([]);
      expect(verdict.endLsn).toBeGreaterThanOrEqual(end);
      // The old timeline's last segment is kept as what it is; the new one's first takes its place.
      const part = await wal.archive.partial(1);
      expect(part?.ended).toBe(true);
      expect(part?.endLsn).toBeGreaterThanOrEqual(lsn);
      const [first] = [...wal.segments.values()].filter(({ place }) => place.timeline === 2);
      expect(first?.place.startLsn).toBe(part?.place.startLsn);
      const whole = [...wal.segments.values()].filter(({ place }) => place.timeline === 1);
      expect(whole.at(-1)?.place.startLsn).toBe((part?.place.startLsn ?? 0n) - BigInt(segmentBytes));
    }
  });

  it("is followed on a stream from the standby itself, to a timeline that is not the next number", async () => {
    await using primary = await testServer({ ...walServer, major });
    await using standby = await standbyOf(primary);
    await appendFile(join(standby.dataDir, "postgresql.auto.conf"), "recovery_target_timeline = 'current'\n");
    await standby.restart();
    const wal = new MemoryWal(0n);
    const archiveOf = (id: bigint) => Object.assign(wal.archive, { systemIdentifier: id });
    await using receiver = startReceiver(standby.dsn(), archiveOf);
    const lsn = await writeSegments(primary, 1);
    await receiver.reach(lsn);
    await caughtUp(standby, lsn);
    // Somebody else took the number 2 already.
    await writeFile(join(standby.dataDir, "pg_wal", "00000002.history"), "1\t0/2000000\tanother branch\n", {
      mode: 0o644,
    });
    await promoted(standby);
    await waitFor(() => receiver.state.timeline === 3, { what: "the receiver to follow" });
    const end = await writeSegments(standby, 2);
    await receiver.reach(end);
    expect(receiver.state.reconnects).toBe(0);
    const verdict = await compareWithServer(wal.archive, standby.dataDir, 3);
    expect(verdict.problems).toEqual([]);
    expect(verdict.endLsn).toBeGreaterThanOrEqual(await flushLsn(standby));
    expect(receiver.gaps).toEqual([]);
    expect([...wal.histories.keys()]).toEqual([3]);
    expect((await wal.archive.partial(1))?.ended).toBe(true);
  });
});
