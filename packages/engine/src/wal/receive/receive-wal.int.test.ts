import { join } from "node:path";
import type { ServerArea } from "@tidemark/repository";
import { majors, testServer } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { pushWal } from "../push/push-wal.ts";
import { compareFacts, compareWithServer, flushLsn, walServer, writeSegments } from "./received-wal.fixture.ts";
import { startReceiver } from "./receiver.fixture.ts";
import { repositoryWal } from "./repository-wal.fixture.ts";

describe.each(majors)("receiving from PostgreSQL %i", (major) => {
  it("stores every byte, waits for commits of its own, and goes on after a restart and a crash", async () => {
    await using server = await testServer({ ...walServer, major });
    await using wal = await repositoryWal();
    await using receiver = startReceiver(server.dsn(), wal.archiveOf, { synchronous: true });
    await receiver.streams();
    await server.query("ALTER SYSTEM SET synchronous_standby_names = 'tidemark_sync'");
    await server.query("SELECT pg_reload_conf()");
    await receiver.reach(await writeSegments(server, 3));
    await server.restart();
    await receiver.reach(await writeSegments(server, 2));
    await server.kill();
    await server.start();
    await receiver.reach(await writeSegments(server, 2));
    // A server writes now and then by itself: what it has flushed is asked for before what there is.
    const flushed = await flushLsn(server);
    await receiver.reach(flushed);
    const verdict = await compareWithServer(await wal.archive(), server.dataDir, 1);
    expect(verdict.problems).toEqual([]);
    expect(verdict.segments).toBeGreaterThan(5);
    expect(verdict.endLsn).toBeGreaterThanOrEqual(flushed);
    expect(await compareFacts(await wal.archive(), major, 1)).toEqual([]);
    expect(receiver.gaps).toEqual([]);
    expect(receiver.segments.length).toBeGreaterThanOrEqual(verdict.segments);
    expect(receiver.segments.some(({ facts }) => (facts?.commitCount ?? 0) > 3)).toBe(true);
    const told = receiver.states.flatMap(({ lastCommit, flushedLsn }) =>
      lastCommit === null ? [] : [{ commit: lastCommit.lsn, flushedLsn: flushedLsn ?? 0n }],
    );
    expect(told.length).toBeGreaterThan(0);
    expect(told.filter(({ commit, flushedLsn }) => commit > flushedLsn)).toEqual([]);
    await using pushed = await repositoryWal();
    const area = { serverId: "srv_1", wal: pushed.archiveOf, walIdentifiers: async () => [] } as unknown as ServerArea;
    for await (const { kind, name } of (await wal.archive()).list({ timeline: 1 })) {
      const owners = [{ area, systemIdentifier: null }] as const;
      if (kind === "segment") await pushWal({ owners, writer: "test" }, join(server.dataDir, "pg_wal", name));
    }
    expect(await compareFacts(await pushed.archive(), major, 1)).toEqual([]);
    await receiver.stop();
    const [slot] = await server.query("SELECT active, restart_lsn FROM pg_replication_slots");
    expect(slot).toMatchObject({ active: false });
  });
});
