import { createHash } from "node:crypto";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { describeError, newId, systemClock } from "@tidemark/kit";
import { createRepository, openRepository, type Repository, type ServerArea } from "@tidemark/repository";
import { type Fault, type FaultPlan, FaultyStore, MemoryStore, type ObjectStore } from "@tidemark/storage";
import { type TestServer, testServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { takeBackup } from "./backup/take-backup.ts";
import { listCatalog } from "./catalog.ts";
import { executeCopies, planCopies } from "./copies/copy-backups.ts";
import { type EngineRig, engineRig, streamFrom } from "./engine-rig.ts";
import { collectGarbage, executeDeletion, planDeletion } from "./expiry/expire.ts";
import { executeRestore } from "./restore/execute-restore.ts";
import { planRestore } from "./restore/plan-restore.ts";
import { restoringMark } from "./restore/restore-target.ts";
import { verifyBackup } from "./verify/verify-backup.ts";

/**
 * Each way in which the fault driver fails, during each act. Success means that what was said is so; an error has a code of
 * the list and a sentence; and what was safe before is there byte for byte, but for what the act was to remove.
 *
 * TIDEMARK_FAULTS=all: every way at every place during every act (about 5 minutes); by default some of them.
 */
const isWhole = process.env.TIDEMARK_FAULTS === "all";

const acts = [
  "backup",
  "copy to",
  "copy from",
  "verification",
  "restore",
  "deletion",
  "collection",
  "catalog",
] as const;
type Act = (typeof acts)[number];

interface Way {
  readonly name: string;
  readonly kind: "error-before" | "error-after" | "stall" | "short-read" | "lost-put" | "full";
  readonly plan: FaultPlan;
}

let lateAnswers = 0;
const effects = {
  "error-before": { kind: "error-before", code: "storage-unreachable" },
  "error-after": { kind: "error-after", code: "storage-failed" },
  // What comes late comes; who gives up waiting for it is each act's own test.
  stall: {
    kind: "stall",
    get until() {
      lateAnswers++;
      return new Promise<void>((resolve) => setTimeout(resolve, 5));
    },
  },
  "short-read": { kind: "short-read", bytes: 90 },
  "lost-put": { kind: "lost-put" },
} as const;

function way(kind: Exclude<Way["kind"], "full">, operation: Fault["operation"], from: number, times: number): Way {
  const when = times > 1 ? `from the ${from}. on` : `the ${from}. time`;
  const fault = { operation, from, times, effect: effects[kind] };
  return {
    name: `${kind} in ${operation}, ${when}`,
    kind,
    plan: { faults: [fault] },
  };
}

const places = [
  [1, 1],
  [2, 1],
  [4, 1],
  [1, 100_000],
  [3, 100_000],
] as const;
const ways: readonly Way[] = [
  ...(["put", "get", "list", "delete", "stat"] as const).flatMap((operation) =>
    places.map(([from, times]) => way("error-before", operation, from, times)),
  ),
  ...(["put", "get", "delete"] as const).flatMap((operation) =>
    places.map(([from, times]) => way("error-after", operation, from, times)),
  ),
  ...(["put", "get", "list", "delete"] as const).map((operation) => way("stall", operation, 1, 100_000)),
  ...places.map(([from, times]) => way("short-read", "get", from, times)),
  ...places.map(([from, times]) => way("lost-put", "put", from, times)),
  ...[0, 10_000, 1_000_000].map((fullAfterBytes) => ({
    name: `full after ${fullAfterBytes} bytes`,
    kind: "full" as const,
    plan: { fullAfterBytes },
  })),
];
/** Prime to the number of places, so that by default every kind and every place has its turn. */
const cases = acts.flatMap((act, number) =>
  ways.filter((_, at) => isWhole || (at + number) % 7 === 0).map((one) => [act, one.name, one] as const),
);

describe("a store that fails", () => {
  let server: TestServer;
  let rig: EngineRig;
  let base: ReadonlyMap<string, Uint8Array>;
  let ids: readonly string[];
  let restored: ReadonlyMap<string, string>;
  const opened: Repository[] = [];

  beforeAll(async () => {
    const store = new MemoryStore();
    rig = await engineRig({ encrypted: false, store });
    server = await testServer();
    await server.query("CREATE TABLE t AS SELECT g AS id, md5(g::text) AS body FROM generate_series(1, 20000) g");
    const first = await rig.backup(server.dsn());
    await server.query("UPDATE t SET body = md5(body) WHERE id % 3 = 0");
    const second = await rig.backup(server.dsn());
    ids = [first.backupId, second.backupId];
    // A pass has seen the packs of a third dead, so that a collection has something to remove.
    await server.query("UPDATE t SET body = md5(body) WHERE id % 5 = 0");
    const third = await rig.backup(server.dsn());
    await rig.area.deleteBackup(third.backupId);
    const later = { now: () => new Date(Date.now() + 10 * 86_400_000), monotonicMs: () => 0 };
    await collectGarbage({ area: rig.area, clock: later }, { graceMs, runningBackupIds: [] }, rig.control());
    base = await contentOf(store);
    const target = rig.dir.join("right");
    await rig.restore(await rig.plan({ targetDirectory: target, backupId: first.backupId }));
    restored = await treeOf(target);
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  it.each(cases)("during a %s: %s", async (act, _, one) => {
    const { store, faulty, arm, disarm } = copyOfBase(one);
    const repository = await openRepository(faulty);
    const second = new MemoryStore();
    opened.push(repository, await createRepository(second, { encryption: "none" }));
    const world: World = { area: repository.area("srv_test"), second, arm, target: rig.dir.join(newId("run")) };
    const said = await outcomeOf(() => doing[act](world, one));
    disarm();
    // What somebody can do something about; never a mistake of ours.
    expect(said).toMatch(/^(done|(storage|object|manifest|pack|backup|repository)-[a-z-]+|plan-stale)$/);
    if (one.kind === "stall") expect([said, lateAnswers > 0]).toEqual(["done", true]);
    await expectRight(act, said, store, world);
    for (const one of opened.splice(0)) await one.close();
    await rm(world.target, { recursive: true, force: true });
  });

  interface World {
    readonly area: ServerArea;
    readonly second: ObjectStore;
    readonly arm: () => void;
    readonly target: string;
  }

  const clock = systemClock;
  const doing: Record<Act, (world: World, one: Way) => Promise<void>> = {
    backup: async ({ area, arm }) => {
      arm();
      const request = { backupId: newId("backup"), serverName: "test", label: "faults", checkpoint: "fast" as const };
      const deps = { area, clock, source: streamFrom(server.dsn()), encoder: rig.encoder };
      const more = { maxRateKib: null, systemIdentifierChangeConfirmed: false };
      const stored = await takeBackup(deps, { ...request, ...more }, rig.control());
      expect((await healthy(area)).map(({ backupId }) => backupId)).toContain(stored.backupId);
    },
    "copy to": async ({ area, arm, second }) => {
      // The place that fails is the target: what it held is what `second` is given here.
      const source = await openRepository(second);
      opened.push(source);
      await copyAll(area, source.area("srv_test"));
      await area.deleteBackup(ids[1] ?? "");
      arm();
      await copyAll(source.area("srv_test"), area);
    },
    "copy from": async ({ area, arm, second }) => {
      const target = await openRepository(second);
      opened.push(target);
      arm();
      await copyAll(area, target.area("srv_test"));
    },
    verification: async ({ area, arm }, one) => {
      arm();
      const request = { backupId: ids[0] ?? "", tier: "stored" as const, subset: null, by: "test" };
      const report = await verifyBackup({ area, clock }, request, rig.control());
      // Bytes that did not come are called damage only where bytes came.
      if (!report.ok) expect(one.kind).toBe("short-read");
    },
    restore: async ({ area, arm, target }) => {
      const request = { backupId: ids[0] ?? "", targetDirectory: target, tablespaces: [], owner: null };
      const more = { keepSignalFiles: false, allowedRoots: null, delta: false, databases: null };
      arm();
      const plan = await planRestore({ area, clock }, { ...request, ...more }, new AbortController().signal);
      await executeRestore({ area, clock }, plan, rig.control());
    },
    deletion: async ({ area, arm }) => {
      arm();
      await executeDeletion({ area, clock }, await planDeletion({ area, clock }, ids[0] ?? ""), rig.control());
      expect((await healthy(area)).map(({ backupId }) => backupId)).toEqual([ids[1]]);
    },
    collection: async ({ area, arm }) => {
      arm();
      const later = { now: () => new Date(Date.now() + 20 * 86_400_000), monotonicMs: () => 0 };
      await collectGarbage({ area, clock: later }, { graceMs, runningBackupIds: [] }, rig.control());
    },
    catalog: async ({ area, arm }, one) => {
      arm();
      const catalog = await listCatalog(area);
      expect(catalog.map(({ backup }) => backup.backupId)).toEqual(expect.arrayContaining([...ids]));
      if (catalog.some(({ damaged }) => damaged !== null)) expect(one.kind).toBe("short-read");
    },
  };

  /** The reports of copies are statements as well: what is called copied is there, what is not is named. */
  async function copyAll(source: ServerArea, target: ServerArea): Promise<void> {
    const deps = { source, target, clock };
    const report = await executeCopies(deps, await planCopies(deps, { backupId: null, skipIds: [] }), rig.control());
    const there = (await healthy(target)).filter(({ damaged }) => damaged === null).map(({ backupId }) => backupId);
    expect(there).toEqual(expect.arrayContaining([...report.copiedIds]));
    expect([...report.copiedIds, ...report.failed.map(({ backupId }) => backupId)].length).toBeGreaterThan(0);
    expect(report.goneIds).toEqual([]);
  }

  async function expectRight(act: Act, said: string, store: MemoryStore, { target, second }: World): Promise<void> {
    const repository = await openRepository(store);
    opened.push(repository);
    const area = repository.area("srv_test");
    const listed = await area.listBackups();
    const mayGo = act === "deletion" ? [ids[0]] : act === "copy to" ? [ids[1]] : [];
    expect(listed.map(({ backupId }) => backupId)).toEqual(
      expect.arrayContaining(ids.filter((backupId) => !mayGo.includes(backupId))),
    );
    await expectWhole(area, store);
    const found = await contentOf(store);
    for (const [key, bytes] of base) {
      const after = found.get(key);
      // A copy may have been sealed anew.
      if (after !== undefined && !key.includes("/backups/") && act !== "copy to")
        expect(Buffer.compare(after, bytes), key).toBe(0);
    }
    if (act === "copy from") {
      const copies = await openRepository(second);
      opened.push(copies);
      await expectWhole(copies.area("srv_test"), second);
    }
    if (act === "copy to" && !said.startsWith("storage-")) {
      const request = { backupId: ids[0] ?? "", tier: "stored" as const, subset: null, by: "test" };
      expect(await verifyBackup({ area, clock }, request, rig.control())).toMatchObject({ ok: true });
    }
    if (act === "restore") await expectMarked(said, target);
    if (act === "backup" && listed.length > ids.length) {
      const newest = listed.at(-1)?.backupId ?? "";
      const request = { backupId: newest, tier: "whole" as const, subset: null, by: "test" };
      expect(await verifyBackup({ area, clock }, request, rig.control())).toMatchObject({ ok: true });
    }
  }

  async function expectMarked(said: string, target: string): Promise<void> {
    const left: readonly string[] = await readdir(target).catch(() => []);
    if (said === "done") {
      expect(left).not.toContain(restoringMark);
      expect(await treeOf(target)).toEqual(restored);
    } else if (left.length > 0) {
      expect(left).toContain(restoringMark);
      expect(await readdir(join(target, "global")).catch(() => [])).not.toContain("pg_control");
    }
  }

  function copyOfBase(one: Way) {
    const store = new MemoryStore();
    for (const [key, bytes] of base) store.overwrite(key, bytes);
    let isArmed = false;
    const faulty = new FaultyStore(store, one.plan);
    const arm = (): void => {
      isArmed = true;
    };
    const disarm = (): void => {
      isArmed = false;
    };
    disarms.push(disarm);
    return { store, faulty: gated(faulty, store, () => isArmed), arm, disarm };
  }

  /** Looks without the fault, whose turn comes again afterwards. */
  async function healthy(area: ServerArea) {
    for (const disarm of disarms.splice(0)) disarm();
    return await area.listBackups();
  }
});

const disarms: (() => void)[] = [];
const graceMs = 60_000;

/** The store that fails while it is armed, and the sound one before and after. */
function gated(faulty: ObjectStore, sound: ObjectStore, isArmed: () => boolean): ObjectStore {
  return new Proxy(faulty, {
    get: (_, name) => {
      const store = isArmed() ? faulty : sound;
      const value: unknown = Reflect.get(store, name, store);
      return typeof value === "function" ? value.bind(store) : value;
    },
  });
}

/** Every backup that is listed and readable has its packs. */
async function expectWhole(area: ServerArea, store: ObjectStore): Promise<void> {
  const keys = new Set<string>();
  for await (const { key } of store.list("srv_test/packs/")) keys.add(key);
  for (const { backupId, damaged } of await area.listBackups()) {
    expect(damaged).toBeNull();
    for (const packId of await (await area.openManifest(backupId)).packIds()) {
      expect(keys, `${backupId} needs ${packId}`).toContain(`srv_test/packs/${packId}`);
    }
  }
}

async function outcomeOf(act: () => Promise<void>): Promise<string> {
  try {
    await act();
    return "done";
  } catch (error) {
    if (error instanceof Error && error.name === "AssertionError") throw error;
    const { code, message } = describeError(error);
    expect(message.length).toBeGreaterThan(10);
    return code;
  }
}

async function contentOf(store: ObjectStore): Promise<ReadonlyMap<string, Uint8Array>> {
  const content = new Map<string, Uint8Array>();
  for await (const { key } of store.list("")) content.set(key, await store.get(key));
  return content;
}

/** What was restored, by file; what says when is left out. */
async function treeOf(folder: string): Promise<ReadonlyMap<string, string>> {
  const digests = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    digests.set(
      path.slice(folder.length),
      createHash("blake2b512")
        .update(await readFile(path))
        .digest("hex"),
    );
  }
  return digests;
}
