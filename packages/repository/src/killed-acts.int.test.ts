import { execFile } from "node:child_process";
import { AppError } from "@tidemark/kit";
import { rgwServer, type S3Server, swiftServer, type TempDir, tempDir } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KilledAct, KilledActOrder } from "./killed-act.child.ts";
import {
  collect,
  collectIfReadable,
  contentOf,
  createMain,
  hasSecond,
  hourMs,
  openPlace,
  type Place,
  readDigests,
  stories,
  within,
} from "./killed-acts.fixture.ts";
import { isRepository } from "./repository-document.ts";
import { type RepositoryStep, repositorySteps } from "./steps.ts";
import { digestsOf, keysOf } from "./test-repository.ts";
import type { ServerArea } from "./types.ts";

/**
 * Every durable step of every act on a repository: the process that does it is killed there, by the system and for good;
 * the next one finds a whole repository and ends what was begun; collections remove what nobody needs and nothing else.
 *
 * TIDEMARK_KILLED=all: every kill, on the filesystem, on Swift (which cannot refuse a second object of a key) and on Ceph's
 * gateway (which can). By default some of them, others on each store.
 */
const isWhole = process.env.TIDEMARK_KILLED === "all";

type Kill = readonly [act: KilledAct, step: RepositoryStep, time: number];

const of = (act: KilledAct, ...prefixes: readonly string[]): Kill[] =>
  repositorySteps.filter((step) => prefixes.some((prefix) => step.startsWith(prefix))).map((step) => [act, step, 1]);

const removals = ["copy:before-remove-pack", "copy:before-remove-manifest"] as const;
const kills: readonly Kill[] = [
  ...of("create", "create:"),
  ...of("keys", "key:"),
  ...(["key:before-slot", "key:after-slot", "key:before-remove"] as const).map((step) => ["keys", step, 2] as const),
  ...of("backup", "backup:", "pack:", "manifest:", "commit:"),
  ...of("patched", "backup:after", "pack:", "manifest:", "commit:"),
  ...of("evacuation", "pack:", "manifest:", "commit:"),
  ...of("renew", "renew:"),
  ...of("salvage", "salvage:", "manifest:", "commit:"),
  ...of("abort", "abort:"),
  ...of("delete", "delete:"),
  ["delete", "delete:before-mark", 2],
  ...of("mark", "mark:"),
  ...of("collect", "collect:"),
  ["collect", "collect:before-pack", 2],
  ["collect", "collect:before-fact", 2],
  ...of("copy", "copy:").filter(([, step]) => !removals.includes(step as (typeof removals)[number])),
  ["copy", "copy:before-pack", 2],
  ["copy", "copy:before-check", 2],
  ["copy", "copy:before-mark", 2],
  ...removals.map((step) => ["mending copy", step, 1] as const),
  ["mending copy", "copy:before-pack", 1],
  ["mending copy", "copy:before-manifest", 1],
  ...(["heal:before-remove", "heal:before-put", "heal:after-put"] as const).flatMap((step) => [
    ["heal pack", step, 1] as const,
    ["heal pack", step, 2] as const,
  ]),
  ...(["heal:before-note", "heal:after-note", "heal:before-forget"] as const).map(
    (step) => ["heal manifest", step, 1] as const,
  ),
  ["heal manifest", "copy:before-remove-manifest", 1],
  ["heal manifest", "copy:before-manifest", 1],
  ["heal manifest", "copy:before-manifest-check", 1],
  ["heal manifest", "copy:after-marks", 1],
  ...of("verification", "verification:"),
];

describe("the kills", () => {
  it("are at every step there is", () => {
    expect([...new Set(kills.map(([, step]) => step))].sort()).toEqual(
      // Those of WAL have their own.
      repositorySteps.filter((step) => !step.startsWith("wal:")).sort(),
    );
  });
});

const servers = { filesystem: null, Swift: swiftServer, "Ceph's gateway": rgwServer } as const;
const kinds = Object.keys(servers) as (keyof typeof servers)[];

/** Starting a server of objects takes longer than a few kills: one of them by default. */
const sampled = kinds.filter((kind) => isWhole || kind !== "Ceph's gateway");

describe.each(sampled)("an act that is killed, on %s", (kind) => {
  let dir: TempDir;
  let server: S3Server | null = null;
  let bucket: { at(prefix: string): string } | null = null;
  beforeAll(async () => {
    dir = await tempDir("killed-acts");
    server = (await servers[kind]?.()) ?? null;
    bucket = (await server?.newBucket("killed-acts")) ?? null;
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await dir?.[Symbol.asyncDispose]();
  });

  const some = kills.filter((_, at) => isWhole || (kind === "filesystem" ? at % 3 === 0 : at % 30 === 1));

  it.each(some)("in a %s at %s (%i) leaves a whole repository, which the next process tidies", async (...killed) => {
    const [act, step, time] = killed;
    if (kind !== "filesystem" && bucket === null) return;
    const place = placeOf(killed.join("-").replace(/\W/g, "-"));
    const { backupId, laterMs = 0, prepare } = stories[act];
    await prepare(place);
    const { main: store, second, credentials } = place;
    await kill({ act, step, time, store, second, credentials, backupId, laterMs });
    if (act === "create" && (await isRepository(await openPlace(place))).kind !== "ours") await createMain(place);
    await within(place, 0, (area) => expectSound(area, act, step));
    await end(place, act);
    for (const hours of [12, 14, 16]) await within(place, hours * hourMs, (area) => collect(area, hours * hourMs));
    await within(place, 0, (area, objects) => expectTidy(area, objects, stories[act].kept(step), act));
    if (hasSecond(act)) await expectSecond(place);
  });

  function placeOf(name: string): Place {
    if (server === null || bucket === null) {
      return { main: dir.join(`${name}-1`), second: dir.join(`${name}-2`), credentials: null };
    }
    const credentials = `access_key_id=${server.accessKeyId}\nsecret_access_key=${server.secretAccessKey}`;
    return { main: bucket.at(`${name}-1`), second: bucket.at(`${name}-2`), credentials };
  }
});

/** What is there right after the process died. */
async function expectSound(area: ServerArea, act: KilledAct, step: RepositoryStep): Promise<void> {
  const { mayBeListed, mustBeRead } = stories[act];
  const listed = await area.listBackups();
  const may = mayBeListed(step);
  expect(listed.map(({ backupId }) => backupId).filter((backupId) => !may.includes(backupId))).toEqual([]);
  const must = mustBeRead(step);
  expect(listed.filter(({ damaged }) => damaged === null).map(({ backupId }) => backupId)).toEqual(
    expect.arrayContaining([...must]),
  );
  for (const { backupId } of listed) {
    // What somebody spoiled before is an error; other bytes than were stored are never read.
    const found = await readDigests(area, backupId).catch((error: unknown) => {
      if (must.includes(backupId) || !hasSecond(act)) throw error;
      return null;
    });
    if (found !== null) expect(found).toEqual(digestsOf(contentOf(act, backupId)));
  }
}

/** The next process does what was begun to its end, with collections before it where that is told. */
async function end(place: Place, act: KilledAct): Promise<void> {
  const { finish, collectsBetween = false } = stories[act];
  const laterMs = collectsBetween ? 10 * hourMs : 0;
  for (const hours of collectsBetween ? [6, 8] : []) {
    await within(place, hours * hourMs, (area) => collectIfReadable(area, hours * hourMs));
  }
  if (!hasSecond(act)) return within(place, laterMs, (area) => finish(area, null));
  await within(place, laterMs, (area) => within(place, laterMs, (second) => finish(area, second), { which: "second" }));
}

async function expectTidy(
  area: ServerArea,
  store: Awaited<ReturnType<typeof openPlace>>,
  kept: readonly string[],
  act: KilledAct,
): Promise<void> {
  const listed = await area.listBackups();
  expect(listed.map(({ backupId, damaged }) => `${backupId}${damaged ?? ""}`).sort()).toEqual([...kept].sort());
  const needed = new Set<string>();
  for (const { backupId } of listed) {
    expect(await readDigests(area, backupId)).toEqual(digestsOf(contentOf(act, backupId)));
    for (const packId of await (await area.openManifest(backupId)).packIds()) needed.add(`srv_1/packs/${packId}`);
  }
  expect(await keysOf(store, "srv_1/packs/")).toEqual([...needed].sort());
  expect(await keysOf(store, "srv_1/leases/")).toEqual([]);
  const facts = (await keysOf(store, "srv_1/marks/")).filter((key) => !kept.some((id) => key.includes(`/${id}/`)));
  expect(facts.filter((key) => !/\/marks\/(collection|verification)\//.test(key))).toEqual([]);
}

/** What is only read stays as it was, but for the lease of the reader that died. */
async function expectSecond(place: Place): Promise<void> {
  const later = 12 * hourMs;
  await within(place, later, (area) => collect(area, later), { which: "second" });
  const isWhole = async (area: ServerArea, store: Awaited<ReturnType<typeof openPlace>>): Promise<void> => {
    expect(await readDigests(area, "bak_copy")).toEqual(digestsOf(contentOf("copy", "bak_copy")));
    expect(await readDigests(area, "bak_base")).toEqual(digestsOf(contentOf("copy", "bak_base")));
    expect(await keysOf(store, "srv_1/leases/")).toEqual([]);
  };
  await within(place, 0, isWhole, { which: "second" });
}

async function kill(order: KilledActOrder): Promise<void> {
  const script = new URL("./killed-act.child.ts", import.meta.url).pathname;
  const ended = await new Promise<{ readonly signal: string | null; readonly output: string }>((resolve) => {
    execFile(process.execPath, [script, JSON.stringify(order)], { timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ signal: error?.signal ?? null, output: `${stdout}${stderr}` });
    });
  });
  if (ended.signal === "SIGKILL") return;
  throw new AppError("internal", { message: `the act never reached ${order.step}: ${ended.output}` });
}
