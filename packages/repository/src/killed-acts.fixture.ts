import { AppError } from "@tidemark/kit";
import { type ObjectStore, openStore, parseStoreCredentials, RetryingStore } from "@tidemark/storage";
import { expect } from "vitest";
import { copyBackup } from "./copies/copy-backup.ts";
import { healManifest, unfinishedHealings } from "./copies/heal-manifest.ts";
import { healPack } from "./copies/heal-pack.ts";
import type { KilledAct } from "./killed-act.child.ts";
import { createRepository, openRepository } from "./open-repository.ts";
import type { RepositoryStep } from "./steps.ts";
import {
  digestsOf,
  InlineEncoder,
  keysOf,
  noise,
  readTestBackup,
  type TestFiles,
  testFacts,
  testKey,
  testOpeners,
  writeFiles,
} from "./test-repository.ts";
import type { ServerArea } from "./types.ts";

/** For killed-acts.int.test.ts: where each act is killed, what it finds there, and what ends what it began. */
export const hourMs = 3_600_000;
const graceMs = hourMs;

export interface Place {
  readonly main: string;
  readonly second: string;
  readonly credentials: string | null;
}

/** What the next process finds and does. */
export interface Story {
  readonly backupId: string;
  readonly laterMs?: number;
  /** Makes the repositories and what the act needs to have something to do. */
  readonly prepare: (place: Place) => Promise<void>;
  /** Backups that may be listed after the process died, damaged or not; others may not. */
  readonly mayBeListed: (step: RepositoryStep) => readonly string[];
  /** Listed and readable after the process died. */
  readonly mustBeRead: (step: RepositoryStep) => readonly string[];
  /** Ends what was begun. */
  readonly finish: (area: ServerArea, second: ServerArea | null) => Promise<void>;
  /** Readable at the end, and nothing else is listed. */
  readonly kept: (step: RepositoryStep) => readonly string[];
  /** Whether collections run before the act is ended. */
  readonly collectsBetween?: boolean;
}

const pages = Buffer.alloc(4 * 8192, "a page like the others; ");
const patched = new Uint8Array(pages);
patched.set(noise(8192, 99), 8192);
const base = new Map([
  ["large", noise(300_000, 1)],
  ["pages", new Uint8Array(pages)],
]);
const newer = new Map([["large", noise(300_000, 7)]]);
const contents: Readonly<Record<string, TestFiles>> = {
  bak_base: base,
  bak_old: new Map([["large", noise(300_000, 2)]]),
  bak_older: new Map([["large", noise(300_000, 3)]]),
  bak_copy: new Map([...base, ["more", noise(200_000, 4)]]),
  bak_z_dead: newer,
  bak_z_killed: newer,
  bak_zz_next: newer,
};
const killedContents: Partial<Record<KilledAct, TestFiles>> = {
  patched: new Map([["pages", patched]]),
  evacuation: new Map([["large", noise(300_000, 1)]]),
};

export function contentOf(act: KilledAct, backupId: string): TestFiles {
  const own = backupId === "bak_z_killed" ? killedContents[act] : undefined;
  return own ?? contents[backupId] ?? new Map();
}

const committed: ReadonlySet<string> = new Set(["manifest:after-put", "commit:after-lease"]);
const old = ["bak_old", "bak_older"] as const;

const writing: Story = {
  backupId: "bak_z_killed",
  prepare: (place) => prepareMain(place),
  mayBeListed: (step) => ["bak_base", ...old, ...(committed.has(step) ? ["bak_z_killed"] : [])],
  mustBeRead: (step) => ["bak_base", ...(committed.has(step) ? ["bak_z_killed"] : [])],
  finish: takeNext,
  kept: (step) => ["bak_base", ...old, ...(committed.has(step) ? ["bak_z_killed"] : []), "bak_zz_next"],
};

const copying: Story = {
  backupId: "bak_copy",
  prepare: prepareSecond,
  mayBeListed: () => ["bak_copy"],
  mustBeRead: (step) => (/^copy:(before-manifest-check|after-manifest|.*marks?)$/.test(step) ? ["bak_copy"] : []),
  finish: async (area, second) => {
    if (second !== null) await copyBackup({ source: second, target: area, backupId: "bak_copy" });
    expect((await area.marks("bak_copy")).map(({ text }) => text).sort()).toEqual(["one", "two"]);
  },
  kept: () => ["bak_copy"],
  collectsBetween: true,
};

export const stories: Readonly<Record<KilledAct, Story>> = {
  create: {
    ...writing,
    prepare: async () => undefined,
    mayBeListed: () => [],
    mustBeRead: () => [],
    kept: () => ["bak_zz_next"],
  },
  backup: writing,
  patched: writing,
  evacuation: writing,
  renew: writing,
  abort: writing,
  salvage: { ...writing, prepare: prepareDeadRun },
  keys: { ...writing, backupId: "bak_base" },
  mark: { ...writing, backupId: "bak_base" },
  delete: {
    ...writing,
    backupId: "bak_old",
    prepare: async (place) => {
      await prepareMain(place);
      await within(place, 0, async (area) => {
        for (const text of ["one", "two"]) await note(area, "bak_old", text);
      });
    },
    mayBeListed: (step) => ["bak_base", "bak_older", ...(step === "delete:before-manifest" ? ["bak_old"] : [])],
    finish: async (area) => {
      await area.deleteBackup("bak_old");
      await takeNext(area);
    },
    kept: () => ["bak_base", "bak_older", "bak_zz_next"],
  },
  collect: {
    ...writing,
    laterMs: 4 * hourMs,
    prepare: prepareGarbage,
    mayBeListed: () => ["bak_base"],
    kept: () => ["bak_base", "bak_zz_next"],
  },
  verification: {
    ...writing,
    backupId: "bak_base",
    prepare: async (place) => {
      await prepareMain(place);
      await within(place, 0, (area) => verify(area));
    },
    finish: async (area) => {
      expect((await area.verifications()).map(({ damage }) => damage)).toEqual([null]);
      await verify(area);
      await takeNext(area);
    },
  },
  copy: copying,
  "mending copy": {
    ...copying,
    prepare: async (place) => {
      await prepareCopied(place);
      await spoil(place, "packs/", 1);
      await spoil(place, "backups/", 1);
    },
    mustBeRead: () => [],
  },
  "heal pack": {
    ...copying,
    prepare: async (place) => {
      await prepareCopied(place);
      await spoil(place, "packs/", 2);
    },
    mustBeRead: () => [],
    finish: async (area, second) => {
      if (second === null) return;
      for (const packId of await (await area.openManifest("bak_copy")).packIds()) await healPack(area, second, packId);
    },
  },
  "heal manifest": {
    ...copying,
    prepare: async (place) => {
      await prepareCopied(place);
      await spoil(place, "backups/", 1);
    },
    mustBeRead: (step) => (/manifest-check|after-manifest|marks?$|forget/.test(step) ? ["bak_copy"] : []),
    finish: async (area, second) => {
      const listed = await area.listBackups();
      const damaged = listed.filter((backup) => backup.damaged !== null).map(({ backupId }) => backupId);
      const toHeal = new Set([...(await unfinishedHealings(area)), ...damaged]);
      expect(listed.length === 0 ? ["bak_copy"] : [...toHeal]).toEqual([...toHeal]);
      for (const backupId of toHeal) if (second !== null) await healManifest(area, second, backupId);
      expect(await unfinishedHealings(area)).toEqual([]);
    },
  },
};

export function hasSecond(act: KilledAct): boolean {
  return stories[act].prepare !== writing.prepare && stories[act].backupId === "bak_copy";
}

export async function openPlace(place: Place, which: "main" | "second" = "main"): Promise<ObjectStore> {
  const credentials = place.credentials === null ? null : parseStoreCredentials(place.credentials);
  return new RetryingStore(await openStore(place[which], { credentials }));
}

/** A process of its own as far as a repository can tell: opened anew, so many ms later. */
export async function within(
  place: Place,
  laterMs: number,
  act: (area: ServerArea, store: ObjectStore) => Promise<unknown>,
  how: { readonly which?: "main" | "second"; readonly onStep?: (step: RepositoryStep) => void } = {},
): Promise<void> {
  const which = how.which ?? "main";
  const store = await openPlace(place, which);
  const clock = { now: () => new Date(Date.now() + laterMs), monotonicMs: () => performance.now() };
  const key = which === "main" ? testKey : null;
  const shared = { openers: testOpeners, clock, every: () => () => undefined };
  const opened = await openRepository(store, {
    ...shared,
    key,
    ...(how.onStep === undefined ? {} : { onStep: how.onStep }),
  });
  await act(opened.area("srv_1"), store);
  await opened.close();
}

export async function collect(area: ServerArea, laterMs: number): Promise<void> {
  const how = { now: new Date(Date.now() + laterMs), graceMs, runningBackupIds: [] };
  await area.executeCollection(await area.planCollection(how));
}

/** While a manifest cannot be read nothing is collected, and that is said. */
export async function collectIfReadable(area: ServerArea, laterMs: number): Promise<void> {
  await collect(area, laterMs).catch((error: unknown) => {
    if (!(error instanceof AppError && error.code === "manifest-damaged")) throw error;
  });
}

export async function createMain(place: Place): Promise<void> {
  const store = await openPlace(place);
  await (await createRepository(store, { openers: testOpeners, encryption: testKey })).close();
}

async function prepareMain(place: Place): Promise<void> {
  await createMain(place);
  await within(place, 0, async (area) => {
    for (const backupId of ["bak_base", ...old]) await take(area, backupId);
  });
}

async function prepareDeadRun(place: Place): Promise<void> {
  await prepareMain(place);
  const onStep = (step: RepositoryStep): void => {
    if (step === "manifest:before-put") throw new Error("killed");
  };
  const dying = (area: ServerArea) => expect(take(area, "bak_z_dead")).rejects.toThrow("killed");
  await within(place, 0, dying, { onStep });
}

/** Packs of two deleted backups that a pass has named, a dead run's lease, and marks nobody needs. */
async function prepareGarbage(place: Place): Promise<void> {
  await prepareMain(place);
  await within(place, 0, async (area) => {
    for (const backupId of old) await area.deleteBackup(backupId);
    await begin(area, "bak_z_dead");
    await note(area, "bak_old", "of a deletion that died");
  });
  await within(place, 2 * hourMs, (area) => collect(area, 2 * hourMs));
  await within(place, 0, (area) => note(area, "bak_older", "of another"));
}

async function prepareSecond(place: Place): Promise<void> {
  await createMain(place);
  const second = await openPlace(place, "second");
  await (await createRepository(second, { openers: testOpeners, encryption: "none" })).close();
  const fill = async (area: ServerArea): Promise<void> => {
    await take(area, "bak_base");
    await take(area, "bak_copy", { parentId: "bak_base" });
    for (const text of ["one", "two"]) await note(area, "bak_copy", text);
  };
  await within(place, 0, fill, { which: "second" });
}

async function prepareCopied(place: Place): Promise<void> {
  await prepareSecond(place);
  const copy = (target: ServerArea) =>
    within(place, 0, (source) => copyBackup({ source, target, backupId: "bak_copy" }), { which: "second" });
  await within(place, 0, copy);
}

/** Changes a byte in the middle of the first objects of a kind. */
async function spoil(place: Place, kind: string, count: number): Promise<void> {
  const store = await openPlace(place);
  for (const key of (await keysOf(store, `srv_1/${kind}`)).slice(0, count)) {
    const bytes = new Uint8Array(await store.get(key));
    // A manifest's header, or a pack's first frames.
    const at = kind === "packs/" ? bytes.length - 200 : 100;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await store.delete(key);
    await store.put(key, bytes);
  }
}

async function verify(area: ServerArea): Promise<void> {
  const soundPackIds = [...(await (await area.openManifest("bak_base")).packIds())];
  await area.addVerification({ at: new Date(), by: "test", tier: "stored", soundPackIds, damagedPacks: [] });
}

function note(area: ServerArea, backupId: string, text: string) {
  return area.addMark(backupId, { kind: "note", text, by: "test", at: new Date() });
}

async function takeNext(area: ServerArea): Promise<void> {
  const dead = await area.interruptedBackups({ endedBackupIds: ["bak_z_dead", "bak_z_killed"] });
  await take(area, "bak_zz_next", { salvageFrom: dead.map((one) => one.backupId) });
}

interface Taking {
  readonly parentId?: string;
  readonly salvageFrom?: readonly string[];
}

function begin(area: ServerArea, backupId: string, { parentId, salvageFrom }: Taking = {}) {
  const encoder = new InlineEncoder();
  const how = { parentId: parentId ?? null, salvageFrom: salvageFrom ?? [] };
  return area.beginBackup({ backupId, startedAt: new Date(), encoder, ...how });
}

async function take(area: ServerArea, backupId: string, how: Taking = {}): Promise<void> {
  const writer = await begin(area, backupId, how);
  await writeFiles(writer, contents[backupId] ?? new Map());
  await writer.commit({ ...testFacts, startedAt: new Date() });
}

export async function readDigests(area: ServerArea, backupId: string): Promise<ReadonlyMap<string, string>> {
  return digestsOf(await readTestBackup(area, backupId));
}
