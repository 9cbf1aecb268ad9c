import { execFile } from "node:child_process";
import { openStore, parseStoreCredentials } from "@tidemark/storage";
import { rgwServer, type S3Server, type TempDir, tempDir } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KilledActOrder } from "./killed-act.child.ts";
import { createRepository, openRepository } from "./open-repository.ts";
import { type RepositoryStep, repositorySteps } from "./steps.ts";
import { digestsOf, InlineEncoder, keysOf, noise, readTestBackup, testFacts, writeFiles } from "./test-repository.ts";
import type { ServerArea } from "./types.ts";

/**
 * Every durable step of every act on an area: the process that does it is killed there, by the system and for good; the
 * next one finds a whole repository and ends what was begun. (Creating repositories and changing keys: key-crash.test.ts.
 * Copies: their own test.)
 */
const hourMs = 3_600_000;
const startingWith = (...prefixes: string[]): RepositoryStep[] =>
  repositorySteps.filter((step) => prefixes.some((prefix) => step.startsWith(prefix)));

const kills: readonly (readonly [KilledActOrder["act"], RepositoryStep])[] = [
  ...startingWith("backup:", "pack:", "manifest:", "commit:").map((step) => ["backup", step] as const),
  ...startingWith("renew:").map((step) => ["renew", step] as const),
  ...startingWith("salvage:").map((step) => ["salvage", step] as const),
  ...startingWith("abort:").map((step) => ["abort", step] as const),
  ...startingWith("delete:").map((step) => ["delete", step] as const),
  ...startingWith("mark:").map((step) => ["mark", step] as const),
  ...startingWith("collect:").map((step) => ["collect", step] as const),
];
const committed: ReadonlySet<string> = new Set(["manifest:after-put", "commit:after-lease"]);
const baseFiles = new Map([["large", noise(300_000, 1)]]);
const oldFiles = new Map([["large", noise(300_000, 2)]]);
const newFiles = new Map([["large", noise(300_000, 7)]]);

interface Place {
  readonly url: string;
  readonly credentials: string | null;
}

/** TIDEMARK_KILLED_S3=1: over S3 as well, which takes three minutes on an idle machine. */
const kinds = process.env.TIDEMARK_KILLED_S3 === undefined ? ["filesystem"] : ["filesystem", "S3"];

describe.each(kinds)("an act that is killed, on %s", (kind) => {
  let dir: TempDir;
  let server: S3Server | null = null;
  let bucket: { at(prefix: string): string } | null = null;
  beforeAll(async () => {
    dir = await tempDir("killed-acts");
    if (kind === "filesystem") return;
    server = await rgwServer();
    bucket = (await server?.newBucket("killed-acts")) ?? null;
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await dir?.[Symbol.asyncDispose]();
  });

  it.each(kills)("in a %s at %s leaves a whole repository, which the next process tidies", async (act, step) => {
    const name = step.replace(/\W/g, "-");
    const place: Place =
      server === null || bucket === null
        ? { url: dir.join(name), credentials: null }
        : {
            url: bucket.at(name),
            credentials: `access_key_id=${server.accessKeyId}\nsecret_access_key=${server.secretAccessKey}`,
          };
    await prepare(place, act);
    const laterMs = act === "collect" ? 4 * hourMs : 0;
    const parentId = act === "backup" ? "bak_base" : null;
    await kill({ act, step, store: place.url, credentials: place.credentials, backupId: idOf(act), parentId, laterMs });
    await within(place, 0, async (area, keys) => {
      const listed = (await area.listBackups()).map(({ backupId, damaged }) => `${backupId}${damaged ?? ""}`);
      expect(listed.filter((backupId) => !allowed(act, step).has(backupId))).toEqual([]);
      expect(listed).toContain("bak_base");
      expect(digestsOf(await readTestBackup(area, "bak_base"))).toEqual(digestsOf(baseFiles));
      if (committed.has(step))
        expect(digestsOf(await readTestBackup(area, "bak_z_killed"))).toEqual(digestsOf(newFiles));
      else expect(listed).not.toContain("bak_z_killed");
      await finish(area, act);
      expect(digestsOf(await readTestBackup(area, "bak_zz_next"))).toEqual(digestsOf(newFiles));
      expect((await keys("srv_1/packs/")).length).toBeGreaterThan(0);
    });
    for (const hours of [6, 8, 10]) await within(place, hours * hourMs, (area) => collect(area, hours * hourMs));
    await within(place, 0, async (area, keys) => {
      const needed = new Set<string>();
      for (const { backupId } of await area.listBackups()) {
        for (const packId of await (await area.openManifest(backupId)).packIds()) needed.add(`srv_1/packs/${packId}`);
      }
      expect(await keys("srv_1/packs/")).toEqual([...needed].sort());
      expect(await keys("srv_1/leases/")).toEqual([]);
      expect(digestsOf(await readTestBackup(area, "bak_zz_next"))).toEqual(digestsOf(newFiles));
    });
  });
});

function idOf(act: KilledActOrder["act"]): string {
  return act === "delete" ? "bak_old" : act === "mark" ? "bak_base" : "bak_z_killed";
}

function allowed(act: KilledActOrder["act"], step: RepositoryStep): ReadonlySet<string> {
  const old = act === "collect" || (act === "delete" && step !== "delete:before-manifest") ? [] : ["bak_old"];
  return new Set(["bak_base", ...old, ...(committed.has(step) ? ["bak_z_killed"] : [])]);
}

/** A backup that stays, one that may go, and what the act needs to have something to do. */
async function prepare({ url, credentials }: Place, act: KilledActOrder["act"]): Promise<void> {
  const store = await openStore(url, { credentials: credentials === null ? null : parseStoreCredentials(credentials) });
  await (await createRepository(store, { encryption: "none" })).close();
  await within({ url, credentials }, 0, async (area) => {
    await take(area, "bak_base", baseFiles);
    await take(area, "bak_old", oldFiles);
    if (act === "collect") {
      await area.deleteBackup("bak_old");
      await begin(area, "bak_z_dead");
    }
    if (act === "salvage") await leaveDeadRun({ url, credentials });
  });
  if (act === "collect") await within({ url, credentials }, 2 * hourMs, (area) => collect(area, 2 * hourMs));
}

async function leaveDeadRun(place: Place): Promise<void> {
  const onStep = (step: RepositoryStep): void => {
    if (step === "manifest:before-put") throw new Error("killed");
  };
  await within(
    place,
    0,
    async (area) => {
      await expect(take(area, "bak_z_dead", newFiles)).rejects.toThrow("killed");
    },
    onStep,
  );
}

async function finish(area: ServerArea, act: KilledActOrder["act"]): Promise<void> {
  if (act === "delete") await area.deleteBackup("bak_old");
  const dead = (await area.interruptedBackups({ endedBackupIds: ["bak_z_dead", "bak_z_killed"] })).map(
    (one) => one.backupId,
  );
  await take(area, "bak_zz_next", newFiles, dead);
}

function begin(area: ServerArea, backupId: string, salvageFrom: readonly string[] = []) {
  const encoder = new InlineEncoder();
  return area.beginBackup({ backupId, parentId: null, startedAt: new Date(), encoder, salvageFrom });
}

async function take(
  area: ServerArea,
  backupId: string,
  files: ReadonlyMap<string, Uint8Array>,
  salvageFrom: readonly string[] = [],
): Promise<void> {
  const writer = await begin(area, backupId, salvageFrom);
  await writeFiles(writer, files);
  await writer.commit({ ...testFacts, startedAt: new Date() });
}

async function collect(area: ServerArea, laterMs: number): Promise<void> {
  const options = { now: new Date(Date.now() + laterMs), graceMs: hourMs, runningBackupIds: [] };
  await area.executeCollection(await area.planCollection(options));
}

async function within(
  { url, credentials }: Place,
  laterMs: number,
  act: (area: ServerArea, keys: (prefix: string) => Promise<string[]>) => Promise<void>,
  onStep: (step: RepositoryStep) => void = () => undefined,
): Promise<void> {
  const store = await openStore(url, { credentials: credentials === null ? null : parseStoreCredentials(credentials) });
  const clock = { now: () => new Date(Date.now() + laterMs), monotonicMs: () => performance.now() };
  const repository = await openRepository(store, { openerThreads: 1, clock, onStep });
  try {
    await act(repository.area("srv_1"), (prefix) => keysOf(store, prefix));
  } finally {
    await repository.close();
  }
}

async function kill(order: KilledActOrder): Promise<void> {
  const script = new URL("./killed-act.child.ts", import.meta.url).pathname;
  const ended = await new Promise<{ readonly signal: string | null; readonly output: string }>((resolve) => {
    execFile(process.execPath, [script, JSON.stringify(order)], { timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ signal: error?.signal ?? null, output: `${stdout}${stderr}` });
    });
  });
  expect(ended.signal, `the act never reached ${order.step}: ${ended.output}`).toBe("SIGKILL");
}
