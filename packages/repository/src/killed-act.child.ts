import { systemClock } from "@tidemark/kit";
import { openStore, parseStoreCredentials, RetryingStore } from "@tidemark/storage";
import { copyBackup } from "./copies/copy-backup.ts";
import { healManifest } from "./copies/heal-manifest.ts";
import { healPack } from "./copies/heal-pack.ts";
import { newRepositoryKey } from "./keys/repository-key.ts";
import { createRepository, openRepository } from "./open-repository.ts";
import { InlineEncoder, noise, testFacts, testKey, writeFiles } from "./test-repository.ts";
import type { Repository, ServerArea } from "./types.ts";

export type KilledAct =
  | "create"
  | "keys"
  | "backup"
  | "patched"
  | "evacuation"
  | "renew"
  | "salvage"
  | "abort"
  | "delete"
  | "mark"
  | "collect"
  | "copy"
  | "mending copy"
  | "heal pack"
  | "heal manifest"
  | "verification";

/**
 * One act on a repository in a process of its own that ends itself with SIGKILL at a named step (killed-acts.int.test.ts).
 * The order is the first argument, as JSON.
 */
export interface KilledActOrder {
  readonly act: KilledAct;
  readonly step: string;
  /** The how manieth time the step is reached. */
  readonly time: number;
  /** Where the act writes; it is encrypted with the tests' key. */
  readonly store: string;
  /** The other repository of a copy or healing, not encrypted. */
  readonly second: string;
  /** As `parseStoreCredentials` takes them; null: none. */
  readonly credentials: string | null;
  readonly backupId: string;
  /** How far ahead this process's clock is, in ms: for a collection that comes later. */
  readonly laterMs: number;
}

const order = JSON.parse(process.argv[2] ?? "") as KilledActOrder;
const { backupId } = order;
const clock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + order.laterMs) };
let renew: () => void = () => undefined;
let reached = 0;
const options = {
  clock,
  openerThreads: 1,
  every: (_: number, act: () => void) => {
    renew = act;
    return () => undefined;
  },
  onStep: (step: string) => {
    if (step === order.step && ++reached === order.time) process.kill(process.pid, "SIGKILL");
  },
};

const acts: Record<KilledAct, () => Promise<unknown>> = {
  create: async () => (await createRepository(await storeAt(order.store), { ...options, encryption: testKey })).close(),
  keys: () => onArea(changeKeys),
  backup: () => onArea((area) => takeBackup(area, "bak_base", {})),
  evacuation: () =>
    onArea(async (area) => takeBackup(area, "bak_base", { evacuatePackIds: await packsOf(area, "bak_base") })),
  patched: () => onArea(takePatched),
  renew: () => onArea((area) => takeBackup(area, null, {})),
  abort: () => onArea((area) => takeBackup(area, null, {})),
  salvage: () =>
    onArea(async (area) => {
      const interrupted = await area.interruptedBackups({ endedBackupIds: ["bak_z_dead"] });
      await takeBackup(area, null, { salvageFrom: interrupted.map((one) => one.backupId) });
    }),
  delete: () => onArea((area) => area.deleteBackup(backupId)),
  mark: () => onArea((area) => area.addMark(backupId, { kind: "note", text: "killed", by: "test", at: clock.now() })),
  collect: () =>
    onArea(async (area) => {
      const how = { now: clock.now(), graceMs: 3_600_000, runningBackupIds: [] };
      await area.executeCollection(await area.planCollection(how));
    }),
  copy: () => onBoth((target, source) => copyBackup({ source, target, backupId })),
  "mending copy": () => onBoth((target, source) => copyBackup({ source, target, backupId })),
  "heal pack": () =>
    onBoth(async (damaged, copies) => {
      for (const packId of await packsOf(copies, backupId)) await healPack(damaged, copies, packId);
    }),
  "heal manifest": () => onBoth((damaged, copies) => healManifest(damaged, copies, backupId)),
  verification: () =>
    onArea(async (area) => {
      const soundPackIds = [...(await packsOf(area, backupId))];
      await area.addVerification({ at: clock.now(), by: "test", tier: "stored", soundPackIds, damagedPacks: [] });
    }),
};
await acts[order.act]();
process.stdout.write("survived\n");

async function storeAt(url: string) {
  const credentials = order.credentials === null ? null : parseStoreCredentials(order.credentials);
  return new RetryingStore(await openStore(url, { credentials }));
}

async function onArea(act: (area: ServerArea, repository: Repository) => Promise<unknown>): Promise<void> {
  const repository = await openRepository(await storeAt(order.store), { ...options, key: testKey });
  await act(repository.area("srv_1"), repository);
  await repository.close();
}

/** Steps are those of the place that is written to. */
async function onBoth(act: (written: ServerArea, read: ServerArea) => Promise<unknown>): Promise<void> {
  const other = await openRepository(await storeAt(order.second), { openerThreads: 1, clock });
  await onArea((area) => act(area, other.area("srv_1")));
  await other.close();
}

async function packsOf(area: ServerArea, of: string): Promise<ReadonlySet<string>> {
  return new Set(await (await area.openManifest(of)).packIds());
}

async function takeBackup(
  area: ServerArea,
  parentId: string | null,
  how: { readonly evacuatePackIds?: ReadonlySet<string>; readonly salvageFrom?: readonly string[] },
): Promise<void> {
  const encoder = new InlineEncoder();
  const writer = await area.beginBackup({ backupId, parentId, startedAt: clock.now(), encoder, ...how });
  // An evacuation stores anew what did not change.
  await writeFiles(writer, new Map([["large", noise(300_000, order.act === "evacuation" ? 1 : 7)]]));
  renew();
  // The renewal is on its way; a writer that lives waits for it when it ends.
  if (order.act === "abort") await writer.abort();
  else await writer.commit({ ...testFacts, startedAt: clock.now() });
}

/** The pages of `bak_base` with the second one replaced. */
async function takePatched(area: ServerArea): Promise<void> {
  const encoder = new InlineEncoder();
  const writer = await area.beginBackup({ backupId, parentId: "bak_base", startedAt: clock.now(), encoder });
  const entry = { path: new TextEncoder().encode("pages"), mode: 0o600, modifiedAt: new Date(0), blockSize: 8192 };
  const blocks = { changedBlocks: Uint32Array.of(1), zerosFrom: null };
  const file = await writer.addPatchedFile({ ...entry, sizeBytes: BigInt(4 * 8192), ...blocks });
  await file.write(noise(8192, 99));
  await file.end();
  await writer.commit({ ...testFacts, startedAt: clock.now() });
}

/** Somebody gets a key, everybody a new data key, and that somebody loses all of it. */
async function changeKeys(_: ServerArea, { keys }: Repository): Promise<void> {
  if (keys === null) throw new Error("the repository is not encrypted");
  const { text } = newRepositoryKey((length) => noise(length, 31));
  const spare = { kind: "key-file", text } as const;
  await keys.add(spare, "spare");
  await keys.rotate(await keys.planRotation([spare]), [spare]);
  const owner = (await keys.list()).slots.find(({ label }) => label === "spare");
  await keys.remove(await keys.planRemoval({ ownerId: owner?.ownerId ?? "" }));
}
