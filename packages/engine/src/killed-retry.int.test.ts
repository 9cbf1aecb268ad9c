import { execFile } from "node:child_process";
import { readdir, stat } from "node:fs/promises";
import { newId, Secret, systemClock } from "@tidemark/kit";
import { startCluster } from "@tidemark/local-postgres";
import { openRepository, type StoredBackup } from "@tidemark/repository";
import { FilesystemStore } from "@tidemark/storage";
import { startWriterLedger, type TestServer, testServer, type WriterLedger, waitFor } from "@tidemark/testkit";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { takeBackup } from "./backup/take-backup.ts";
import { type EngineRig, engineRig, streamFrom } from "./engine-rig.ts";
import type { KilledOrder } from "./killed.child.ts";

/** A backup whose process is killed in mid-copy from a server that is written to, and the one that is taken instead. */
const hourMs = 3_600_000;
const graceMs = hourMs;

describe("a backup that was killed and is taken again", () => {
  let server: TestServer;
  let rig: EngineRig;
  let ledger: WriterLedger;
  const killedId = newId("backup");
  const retryId = newId("backup");
  beforeAll(async () => {
    rig = await engineRig({ encrypted: false });
    server = await testServer();
    // What does not compress: more than two packs of it.
    const body = "sha512(g::text::bytea) || sha512(('a' || g)::bytea) || sha512(('b' || g)::bytea)";
    await server.query(`CREATE TABLE noise AS SELECT g AS id, ${body} AS body FROM generate_series(1, 400000) g`);
    ledger = await startWriterLedger(server.dsn());
  });
  afterAll(async () => {
    await ledger?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  it("takes up by hash what was stored, past collections that run meanwhile, and is restored and compared", async () => {
    await ledger.advance(20);
    await killAfterFirstPack();
    await waitFor(async () => (await server.query("SELECT 1 FROM pg_replication_slots")).length === 0, {
      what: "the end of the dead one's slot",
    });
    const left = await packsThere();
    expect(left.size).toBeGreaterThan(0);
    expect(await rig.area.listBackups()).toEqual([]);
    // It names what the dead run left, and claims its key.
    expect(await collectAt(2 * hourMs, [])).toMatchObject({ marked: left.size, removedPacks: 0 });
    await ledger.advance(20);

    const stored = await retryAt(2.3 * hourMs, async () => {
      // Long enough after the first pass for the packs to go, were nobody at work.
      expect(await collectAt(3.2 * hourMs, [retryId])).toMatchObject({ removedPacks: 0 });
      await ledger.advance(20);
    });
    const leftBytes = [...left.values()].reduce((sum, bytes) => sum + bytes, 0);
    expect(Number(stored.counts?.referencedBytes ?? 0n)).toBeGreaterThan(0.8 * leftBytes);
    await ledger.stop();

    for (const hours of [6, 8, 10]) await collectAt(hours * hourMs, []);
    const needed = await (await rig.area.openManifest(retryId)).packIds();
    expect(new Set((await packsThere()).keys())).toEqual(new Set(needed));
    expect([...left.keys()].every((packId) => needed.has(packId))).toBe(true);
    expect(await rig.verify(retryId)).toMatchObject({ ok: true, problems: [] });
    await restoreAndCompare(stored);
  });

  async function killAfterFirstPack(): Promise<void> {
    const about = { act: "backup", step: "pack:after-put", repository: rig.dir.join("repository") } as const;
    const order: KilledOrder = { ...about, dsn: server.dsn(), backupId: killedId, target: "", tablespace: "" };
    const script = new URL("./killed.child.ts", import.meta.url).pathname;
    const signal = await new Promise<string | null>((resolve) => {
      execFile(process.execPath, [script, JSON.stringify(order)], { timeout: 120_000 }, (error) =>
        resolve(error?.signal ?? null),
      );
    });
    expect(signal).toBe("SIGKILL");
  }

  async function packsThere(): Promise<ReadonlyMap<string, number>> {
    const folder = rig.dir.join("repository", "srv_test", "packs");
    const names = await readdir(folder);
    return new Map(
      await Promise.all(names.map(async (name) => [name, (await stat(`${folder}/${name}`)).size] as const)),
    );
  }

  async function later<T>(laterMs: number, act: (area: EngineRig["area"]) => Promise<T>): Promise<T> {
    const clock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + laterMs) };
    const repository = await openRepository(new FilesystemStore(rig.dir.join("repository")), { clock });
    try {
      return await act(repository.area("srv_test"));
    } finally {
      await repository.close();
    }
  }

  function collectAt(laterMs: number, runningBackupIds: readonly string[]) {
    return later(laterMs, async (area) => {
      const now = new Date(systemClock.now().getTime() + laterMs);
      return await area.executeCollection(await area.planCollection({ now, graceMs, runningBackupIds }));
    });
  }

  function retryAt(laterMs: number, midway: () => Promise<void>): Promise<StoredBackup> {
    return later(laterMs, (area) => {
      const deps = { area, clock: systemClock, source: streamFrom(server.dsn()), encoder: rig.encoder };
      const request = { backupId: retryId, serverName: "test", label: "retry", checkpoint: "fast" as const };
      const more = { maxRateKib: null, systemIdentifierChangeConfirmed: false, endedBackupIds: [killedId] };
      const onStep = async (step: string): Promise<void> => {
        if (step === "backup:before-commit") await midway();
      };
      return takeBackup(deps, { ...request, ...more }, rig.control({ onStep }));
    });
  }

  async function restoreAndCompare(backup: StoredBackup): Promise<void> {
    const targetDirectory = rig.dir.join("restored");
    const owner = process.getuid?.() === 0 ? "postgres" : null;
    await rig.restore(await rig.plan({ backupId: backup.backupId, targetDirectory, owner }));
    const password = new Secret(server.password);
    const { installation } = server.cluster;
    const how = { installation, dataDir: targetDirectory, superuser: server.superuser, password };
    await using cluster = await startCluster(how);
    const client = new pg.Client(cluster.dsn());
    await client.connect();
    try {
      expect(await ledger.compare(client, backup.facts?.stopLsn ?? 0n)).toMatchObject({ verdict: "whole" });
      const question = "SELECT count(*)::int AS rows, md5(string_agg(md5(body), '' ORDER BY id)) AS all FROM noise";
      expect((await client.query(question)).rows).toEqual(await server.query(question));
    } finally {
      await client.end();
    }
  }
});
