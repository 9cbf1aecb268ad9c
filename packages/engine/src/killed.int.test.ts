import { execFile } from "node:child_process";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { newId, systemClock } from "@tidemark/kit";
import { createRepository, openRepository, repositorySteps } from "@tidemark/repository";
import { FilesystemStore } from "@tidemark/storage";
import { type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { backupSteps, copySteps, expirySteps, fileBackupSteps, restoreSteps, verifySteps } from "./act.ts";
import { type EngineRig, engineRig } from "./engine-rig.ts";
import { collectGarbage } from "./expiry/expire.ts";
import type { KilledOrder } from "./killed.child.ts";
import { restoringMark } from "./restore/restore-target.ts";
import { verifyBackup } from "./verify/verify-backup.ts";

const stepsOf = (...prefixes: string[]) =>
  repositorySteps.filter((step) => prefixes.some((prefix) => step.startsWith(prefix)));

/** Without `collect:before-revoke`, which needs a dead run older than the grace period. */
const collectSteps = ["collect:before-mark", "collect:before-remove", "collect:after-remove", "collect:before-tidy"];

describe("kill -9", () => {
  let server: TestServer;
  let rig: EngineRig;
  beforeAll(async () => {
    rig = await engineRig({ encrypted: false });
    server = await testServer({ tablespaces: ["fast"] });
    await server.query("CREATE TABLE small TABLESPACE fast AS SELECT g AS id FROM generate_series(1, 1000) g");
    await rig.backup(server.dsn());
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  const backupIds = async () => (await rig.area.listBackups()).map((one) => one.backupId);

  const streamSteps = [...backupSteps, ...stepsOf("backup:", "pack:", "manifest:", "commit:")];
  const kills = [
    ...streamSteps.map((step) => ["backup", step] as const),
    // What the repository does is the same for both, and so is what comes before the slot and after the commit.
    ...fileBackupSteps
      .filter((step) => step !== "backup:before-slot" && step !== "backup:after-commit")
      .map((step) => ["file-backup", step] as const),
  ];
  it.each(kills)(
    "of a %s at %s leaves no half backup, no session, no slot, and the next one succeeds",
    async (act, step) => {
      const before = await backupIds();
      const backupId = newId("backup");
      await killAt({ act, step, backupId });
      await waitFor(async () => (await server.query(ourLeftovers)).length === 0, { what: "the end of what it held" });
      // After the manifest is durable the backup exists, whatever else was still to be done.
      const isStored = ["manifest:after-put", "commit:after-lease", "backup:after-commit"].includes(step);
      expect(await backupIds()).toEqual(isStored ? [...before, backupId] : before);
      if (isStored) expect(await rig.verify(backupId)).toMatchObject({ ok: true });
      const next = await rig.backup(server.dsn());
      expect(await rig.verify(next.backupId)).toMatchObject({ ok: true });
      for (const extra of [next.backupId, ...(isStored ? [backupId] : [])]) await rig.area.deleteBackup(extra);
    },
  );

  it("leaves nothing that a later collection does not remove", async () => {
    const control = rig.control();
    for (let pass = 0; pass < 3; pass++) {
      await collectGarbage(
        { area: rig.area, clock: { now: () => new Date(Date.now() + pass * 86_400_000 * 30), monotonicMs: () => 0 } },
        { graceMs: 0, runningBackupIds: [] },
        control,
      );
    }
    const [backupId] = await backupIds();
    const needed = await (await rig.area.openManifest(backupId ?? "")).packIds();
    const packs = await readdir(rig.dir.join("repository", "srv_test", "packs"));
    expect(packs.sort()).toEqual([...needed].sort());
    expect(await rig.verify(backupId ?? "")).toMatchObject({ ok: true });
  });

  it.each(verifySteps)("of a verification at %s says nothing of the backup, and the next one does", async (step) => {
    const [backupId = ""] = await backupIds();
    const marks = (await rig.area.marks(backupId)).length;
    await killAt({ act: "verify", step, backupId });
    expect((await rig.area.marks(backupId)).length).toBe(marks);
    expect(await rig.verify(backupId)).toMatchObject({ ok: true });
    expect((await rig.area.marks(backupId)).at(-1)?.kind).toBe("verified");
  });

  it.each(copySteps)(
    "of copies or a healing at %s leaves both places whole, and the next one ends it",
    async (step) => {
      const target = rig.dir.join(`second-${step.replace(/\W/g, "-")}`);
      await (await createRepository(new FilesystemStore(target), { encryption: "none" })).close();
      const [backupId = ""] = await backupIds();
      const isHealing = step.startsWith("heal:");
      const act = isHealing ? "heal" : "copies";
      const [packId = ""] = await (await rig.area.openManifest(backupId)).packIds();
      if (isHealing) {
        await runChild(orderOf({ act: "copies", step: "none", target }));
        await rm(rig.dir.join("repository", "srv_test", "packs", packId));
      }
      await killAt({ act, step, target });
      await runChild(orderOf({ act, step: "none", target }));
      expect(await rig.verify(backupId)).toMatchObject({ ok: true });
      const second = await openRepository(new FilesystemStore(target));
      const deps = { area: second.area("srv_test"), clock: systemClock };
      const request = { backupId, tier: "whole", subset: null, by: "test" } as const;
      expect(await verifyBackup(deps, request, rig.control())).toMatchObject({ ok: true });
      await second.close();
    },
  );

  // Only a second attempt has something to clear.
  const bareSteps = ["restore:before-clear"];
  it.each(restoreSteps.filter((step) => !bareSteps.includes(step)))(
    "of a restore at %s leaves nothing that starts, and the next one succeeds",
    async (step) => {
      const [backupId = ""] = await backupIds();
      const target = rig.dir.join(`restore-${step.replace(/\W/g, "-")}`);
      await killAt({ act: "restore", step, backupId, target });
      const left = await readdir(target).catch(() => []);
      if (step !== "restore:before-mark") expect(left).toContain(restoringMark);
      if (!/unmarks?$/.test(step)) {
        expect(await readFile(join(target, "global", "pg_control")).catch(() => null)).toBeNull();
      }
      const tablespaces = [{ from: server.dir.join("tablespace-fast"), to: `${target}-fast` }];
      await rig.restore(await rig.plan({ targetDirectory: target, backupId, tablespaces }));
      expect(await readdir(target)).toEqual(expect.arrayContaining(["backup_label", "backup_manifest", "pg_tblspc"]));
      expect(await readdir(target)).not.toContain(restoringMark);
      expect(await readdir(`${target}-fast`)).toEqual([expect.stringMatching(/^PG_18_/)]);
    },
  );

  // No backup here has marks.
  const deleteSteps = stepsOf("delete:").filter((step) => step !== "delete:before-mark");
  it.each([...expirySteps, ...deleteSteps, ...collectSteps])(
    "of a retention at %s loses no backup that is kept, and the next one ends it",
    async (step) => {
      await outliveReaders();
      await rig.backup(server.dsn());
      await rig.backup(server.dsn());
      const newest = (await backupIds()).at(-1) ?? "";
      const oldWal = await writeOldWal();
      await killAt({ act: "expiry", step });
      expect(await backupIds()).toContain(newest);
      expect((await rig.area.listBackups()).filter(({ damaged }) => damaged !== null)).toEqual([]);
      await runChild(orderOf({ act: "expiry", step: "none" }));
      expect(await backupIds()).toEqual([newest]);
      expect(await rig.verify(newest)).toMatchObject({ ok: true });
      for (const { wal, name } of oldWal) expect(await wal.has(name)).toBe(false);
    },
  );

  /** What restores and verifications killed above said they read keeps WAL for an hour: here it is over. */
  async function outliveReaders(): Promise<void> {
    const clock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + 86_400_000) };
    const request = { graceMs: 7 * 86_400_000, runningBackupIds: [] };
    await collectGarbage({ area: rig.area, clock }, request, rig.control());
    expect(await rig.area.isBeingRead()).toBe(false);
  }

  /** WAL from before every backup, of this cluster and of one it was before: two parts of a retention. */
  async function writeOldWal() {
    const newest = (await rig.area.listBackups()).at(-1)?.facts;
    const startLsn = BigInt(newest?.walSegmentSizeBytes ?? 0);
    const place = { timeline: 1, startLsn, sizeBytes: newest?.walSegmentSizeBytes ?? 0 };
    const archives = [newest?.systemIdentifier ?? 0n, 1n].map((identifier) => rig.area.wal(identifier));
    for (const wal of archives) {
      const writer = await wal.beginSegment(place, { writer: "test" });
      await writer.write(new Uint8Array(place.sizeBytes));
      await writer.finish(null);
      await writer.abandon();
    }
    return archives.map((wal) => ({ wal, name: "000000010000000000000001" }));
  }

  function orderOf(order: Partial<KilledOrder> & Pick<KilledOrder, "act" | "step">): KilledOrder {
    return {
      repository: rig.dir.join("repository"),
      dsn: server.dsn(),
      backupId: "",
      target: "",
      tablespace: server.dir.join("tablespace-fast"),
      ...order,
    };
  }

  async function killAt(order: Partial<KilledOrder> & Pick<KilledOrder, "act" | "step">): Promise<void> {
    const { signal, output } = await runChild(orderOf(order));
    expect(signal, `the act never reached ${order.step}: ${output}`).toBe("SIGKILL");
  }
});

/** The child was the only one to connect over TCP, beside the question itself. */
const ourLeftovers = `
  SELECT application_name FROM pg_stat_activity WHERE client_addr IS NOT NULL AND pid <> pg_backend_pid()
  UNION ALL SELECT slot_name FROM pg_replication_slots`;

/** How the child ended: the signal that killed it, or null when it came to its end. */
function runChild(order: KilledOrder): Promise<{ readonly signal: string | null; readonly output: string }> {
  const script = new URL("./killed.child.ts", import.meta.url).pathname;
  return new Promise((resolve) => {
    execFile(process.execPath, [script, JSON.stringify(order)], { timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ signal: error?.signal ?? null, output: `${stdout}${stderr}` });
    });
  });
}
