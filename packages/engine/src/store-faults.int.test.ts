import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { describeError, newId } from "@tidemark/kit";
import { openRepository } from "@tidemark/repository";
import { type Fault, type FaultPlan, FaultyStore, FilesystemStore } from "@tidemark/storage";
import { type TestServer, testServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { takeBackup } from "./backup/take-backup.ts";
import { type EngineRig, engineRig, streamFrom } from "./engine-rig.ts";
import { executeDeletion, planDeletion } from "./expiry/expire.ts";
import { executeRestore } from "./restore/execute-restore.ts";
import { planRestore } from "./restore/plan-restore.ts";
import { restoringMark } from "./restore/restore-target.ts";
import { verifyBackup } from "./verify/verify-backup.ts";

/**
 * A store that fails in each way the fault driver knows, during each act. Whatever happens, what the act says is true:
 * success means the result is whole, an error has a code and a sentence, and nothing that was safe before is lost.
 */
describe("a store that fails", () => {
  let server: TestServer;
  let rig: EngineRig;
  let kept: string;
  beforeAll(async () => {
    rig = await engineRig({ encrypted: false });
    server = await testServer();
    await server.query("CREATE TABLE t AS SELECT g AS id, md5(g::text) AS body FROM generate_series(1, 20000) g");
    kept = (await rig.backup(server.dsn())).backupId;
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  const packs = (key: string) => key.includes("/packs/");
  const manifests = (key: string) => key.includes("/backups/");
  const failing = (operation: Fault["operation"], matches: Fault["matches"], from = 1): FaultPlan => ({
    faults: [
      {
        operation,
        ...(matches === undefined ? {} : { matches }),
        from,
        times: 1000,
        effect: { kind: "error-before", code: "storage-unreachable" },
      },
    ],
  });
  const losing = (operation: Fault["operation"], matches: Fault["matches"], times = 1000): FaultPlan => ({
    faults: [
      {
        operation,
        ...(matches === undefined ? {} : { matches }),
        times,
        effect: { kind: "error-after", code: "storage-failed" },
      },
    ],
  });
  const short = (matches: Fault["matches"], from = 1): FaultPlan => ({
    faults: [
      {
        operation: "get",
        ...(matches === undefined ? {} : { matches }),
        from,
        times: 1000,
        effect: { kind: "short-read", bytes: 100 },
      },
    ],
  });

  /** The area of the same repository, over a store that fails as planned. */
  async function faulty(plan: FaultPlan) {
    let broken = false;
    const inner = new FilesystemStore(rig.dir.join("repository"));
    const store = new FaultyStore(inner, plan);
    // Opening is not the act: the faults begin afterwards.
    const opened = await openRepository(
      new Proxy(store, {
        get: (target, name) => {
          const of = broken ? target : inner;
          const value: unknown = Reflect.get(of, name, of);
          return typeof value === "function" ? value.bind(of) : value;
        },
      }),
    );
    broken = true;
    return opened;
  }

  async function outcome(act: () => Promise<unknown>): Promise<string> {
    try {
      await act();
      return "done";
    } catch (error) {
      const { code, message } = describeError(error);
      expect(message).not.toBe("");
      return code;
    }
  }

  const backups: readonly (readonly [string, FaultPlan, readonly string[]])[] = [
    ["packs cannot be put", failing("put", packs), ["storage-unreachable"]],
    ["the answer to a pack's put is lost", losing("put", packs), ["storage-failed"]],
    ["the manifest cannot be put", failing("put", manifests), ["storage-unreachable"]],
    // It exists by then, and whoever asks again is told so.
    ["the answer to the manifest's put is lost", losing("put", manifests), ["storage-failed", "object-exists", "done"]],
    ["it is full after some KiB", { fullAfterBytes: 10_000 }, ["storage-full"]],
    ["it is full at once", { fullAfterBytes: 0 }, ["storage-full"]],
    ["nothing can be read back", failing("get", undefined), ["storage-unreachable", "done"]],
    ["nothing can be listed", failing("list", undefined), ["storage-unreachable"]],
    ["what is read comes short", short(undefined), ["done", "object-damaged", "manifest-damaged", "storage-failed"]],
    ["nothing can be deleted", failing("delete", undefined), ["done", "storage-unreachable"]],
  ];
  it.each(backups)("during a backup: %s", async (_, plan, codes) => {
    const repository = await faulty(plan);
    const backupId = newId("backup");
    const area = repository.area("srv_test");
    const request = { backupId, serverName: "test", label: "faults", checkpoint: "fast" as const, maxRateKib: null };
    const code = await outcome(() =>
      takeBackup(
        {
          area,
          clock: { now: () => new Date(), monotonicMs: () => performance.now() },
          source: streamFrom(server.dsn()),
          encoder: rig.encoder,
        },
        { ...request, systemIdentifierChangeConfirmed: false },
        rig.control(),
      ),
    );
    expect(codes).toContain(code);
    await repository.close();
    const listed = (await rig.area.listBackups()).map((backup) => backup.backupId);
    // Said to be done: it is there and whole. Not done: there is none, or one whose manifest's answer was lost, and whole.
    if (code === "done") expect(listed).toContain(backupId);
    if (listed.includes(backupId)) {
      expect(await rig.verify(backupId)).toMatchObject({ ok: true });
      await rig.area.deleteBackup(backupId);
    }
    expect(await rig.verify(kept, { tier: "stored" })).toMatchObject({ ok: true });
  });

  const reads: readonly (readonly [string, FaultPlan, readonly string[]])[] = [
    ["packs cannot be read", failing("get", packs), ["storage-unreachable"]],
    ["packs cannot be read after the first", failing("get", packs, 2), ["storage-unreachable"]],
    ["packs cannot be looked at", failing("stat", packs), ["storage-unreachable"]],
    ["the answer to a read is lost", losing("get", packs), ["storage-failed"]],
    ["packs come short", short(packs), ["backup-damaged"]],
    ["packs come short after their directory", short(packs, 2), ["backup-damaged"]],
    ["manifests cannot be read", failing("get", manifests), ["storage-unreachable"]],
    ["manifests come short", short(manifests), ["manifest-damaged", "backup-damaged", "not-found"]],
    ["nothing can be listed", failing("list", undefined), ["storage-unreachable"]],
    ["nothing can be put", failing("put", undefined), ["done", "storage-unreachable"]],
  ];
  it.each(reads)("during a restore: %s", async (_, plan, codes) => {
    const repository = await faulty(plan);
    const deps = {
      area: repository.area("srv_test"),
      clock: { now: () => new Date(), monotonicMs: () => performance.now() },
    };
    const target = rig.dir.join("faulty");
    const request = {
      backupId: kept,
      targetDirectory: target,
      tablespaces: [],
      owner: null,
      keepSignalFiles: false,
      allowedRoots: null,
      delta: false,
      databases: null,
    };
    const control = rig.control();
    const code = await outcome(async () =>
      executeRestore(deps, await planRestore(deps, request, control.signal), control),
    );
    expect(codes).toContain(code);
    await repository.close();
    const left: readonly string[] = await readdir(target).catch(() => []);
    if (code === "done") expect(left).not.toContain(restoringMark);
    else if (left.length > 0) {
      expect(left).toContain(restoringMark);
      expect(await readdir(join(target, "global")).catch(() => [])).not.toContain("pg_control");
    }
    await rm(target, { recursive: true, force: true });
  });

  it.each(reads)("during a verification: %s", async (name, plan) => {
    const repository = await faulty(plan);
    const deps = {
      area: repository.area("srv_test"),
      clock: { now: () => new Date(), monotonicMs: () => performance.now() },
    };
    const request = { backupId: kept, tier: "whole" as const, subset: null, by: "test" };
    let report: Awaited<ReturnType<typeof verifyBackup>> | null = null;
    const code = await outcome(async () => {
      report = await verifyBackup(deps, request, rig.control());
    });
    await repository.close();
    // What could not be asked is an error; only bytes that came and were wrong are damage.
    if (/short/.test(name)) expect([code, (report as { ok: boolean } | null)?.ok]).toEqual(["done", false]);
    else expect(code).toMatch(/^(storage-|done)/);
    // Sound again once the store is: the mark of a damage that was the store's goes with the next verification.
    expect(await rig.verify(kept)).toMatchObject({ ok: true });
  });

  const deletions: readonly (readonly [string, FaultPlan])[] = [
    ["nothing can be deleted", failing("delete", undefined)],
    ["the manifest goes, the answer is lost", losing("delete", manifests, 1)],
    ["marks cannot be listed", failing("list", undefined)],
    ["the manifest cannot be read", failing("get", manifests)],
  ];
  it.each(deletions)("during a deletion: %s", async (_, plan) => {
    const { backupId } = await rig.backup(server.dsn());
    // The newest is never deleted.
    const newer = await rig.backup(server.dsn());
    const repository = await faulty(plan);
    const deps = {
      area: repository.area("srv_test"),
      clock: { now: () => new Date(), monotonicMs: () => performance.now() },
    };
    const code = await outcome(async () => executeDeletion(deps, await planDeletion(deps, backupId), rig.control()));
    expect(code).toMatch(/^storage-/);
    await repository.close();
    const listed = (await rig.area.listBackups()).map((backup) => backup.backupId);
    expect(listed).toContain(kept);
    if (listed.includes(backupId)) {
      expect(await rig.verify(backupId)).toMatchObject({ ok: true });
      await rig.area.deleteBackup(backupId);
    }
    expect(await rig.verify(newer.backupId)).toMatchObject({ ok: true });
    await rig.area.deleteBackup(newer.backupId);
  });

  it("during a restore: a store that stalls is left when somebody cancels, and the folder stays marked", async () => {
    let release = (): void => undefined;
    const until = new Promise<void>((resolve) => {
      release = resolve;
    });
    const abort = new AbortController();
    const reached = Promise.withResolvers<void>();
    const stall: Fault = {
      operation: "get",
      matches: (key) => {
        if (!packs(key)) return false;
        reached.resolve();
        return true;
      },
      from: 2,
      times: 1000,
      effect: { kind: "stall", until },
    };
    const repository = await faulty({ faults: [stall] });
    const deps = {
      area: repository.area("srv_test"),
      clock: { now: () => new Date(), monotonicMs: () => performance.now() },
    };
    const target = rig.dir.join("stalled");
    await mkdir(target);
    const request = {
      backupId: kept,
      targetDirectory: target,
      tablespaces: [],
      owner: null,
      keepSignalFiles: false,
      allowedRoots: null,
      delta: false,
      databases: null,
    };
    const control = rig.control({ signal: abort.signal });
    const ending = outcome(async () =>
      executeRestore(deps, await planRestore(deps, request, new AbortController().signal), control),
    );
    await reached.promise;
    abort.abort();
    // The store itself gives up some time; the act must not have gone on meanwhile.
    release();
    expect(await ending).toBe("cancelled");
    await repository.close();
    expect(await readdir(target)).toContain(restoringMark);
    expect(await readdir(join(target, "global")).catch(() => [])).not.toContain("pg_control");
  });
});
