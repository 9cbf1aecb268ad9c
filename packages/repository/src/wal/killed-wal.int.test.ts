import { execFile } from "node:child_process";
import { openStore, parseStoreCredentials, RetryingStore } from "@tidemark/storage";
import { rgwServer, type S3Server, swiftServer, type TempDir, tempDir } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRepository } from "../open-repository.ts";
import { type RepositoryStep, repositorySteps } from "../steps.ts";
import { keysOf, testKey, testOpeners } from "../test-repository.ts";
import type { KilledWalOrder } from "./killed-wal.child.ts";
import { liveAsReceiver } from "./receiver-life.ts";
import { collect, inChunks, openWal, testPlace, testSegmentBytes, testWal } from "./test-wal.ts";
import type { WalArchive } from "./wal-archive.ts";

/**
 * Every durable step of writing, ending and removing WAL: the receiver is killed there, by the system and for good. What it
 * was told to be durable is there, nothing else says it is, and the next receiver ends what was begun.
 *
 * TIDEMARK_KILLED=all: every kill, on the filesystem, on Swift (which cannot refuse a second object of a key) and on Ceph's
 * gateway (which can). By default some on the filesystem, others on Swift.
 */
const isWhole = process.env.TIDEMARK_KILLED === "all";
const walSteps = repositorySteps.filter((step) => step.startsWith("wal:"));
const kills: readonly (readonly [RepositoryStep, number])[] = [
  ...walSteps.map((step) => [step, 1] as const),
  ...(["wal:before-flush", "wal:after-flush"] as const).flatMap((step) =>
    [2, 3, 4].map((time) => [step, time] as const),
  ),
  ["wal:before-segment", 2],
  ["wal:after-segment", 2],
];
const servers = { filesystem: null, Swift: swiftServer, "Ceph's gateway": rgwServer } as const;
const kinds = (Object.keys(servers) as (keyof typeof servers)[]).filter((kind) => isWhole || kind !== "Ceph's gateway");

describe.each(kinds)("a receiver that is killed, on %s", (kind) => {
  let dir: TempDir;
  let server: S3Server | null = null;
  let bucket: { at(prefix: string): string } | null = null;
  beforeAll(async () => {
    dir = await tempDir("killed-wal");
    server = (await servers[kind]?.()) ?? null;
    bucket = (await server?.newBucket("killed-wal")) ?? null;
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await dir?.[Symbol.asyncDispose]();
  });

  const some = kills.filter((_, at) => isWhole || (kind === "filesystem" ? at % 3 === 0 : at % 9 === 1));

  it.each(some)("at %s (%i) loses nothing it was told to be durable", async (step, time) => {
    if (kind !== "filesystem" && bucket === null) return;
    const store =
      bucket === null
        ? dir.join(`${step}-${time}`.replace(/\W/g, "-"))
        : bucket.at(`${step}-${time}`.replace(/\W/g, "-"));
    const credentials =
      server === null ? null : `access_key_id=${server.accessKeyId}\nsecret_access_key=${server.secretAccessKey}`;
    const parsed = credentials === null ? null : parseStoreCredentials(credentials);
    const objects = new RetryingStore(await openStore(store, { credentials: parsed }));
    await createRepository(objects, { encryption: testKey, openers: testOpeners });
    const told = await live({ step, time, store, credentials, writer: "w-1" });
    expect(told.signal).toBe("SIGKILL");
    const wal = await openWal(objects);
    await expectKept(wal, told.lines);
    await liveAsReceiver(wal, "w-2", () => undefined);
    expect(Buffer.compare(await collect(wal.read(nameOf(1))), testWal(1))).toBe(0);
    expect(await wal.partial(1)).toMatchObject({ ended: true, endLsn: testPlace(2).startLsn + 200_000n });
    // The segment, the end of the timeline, and the other's history.
    expect((await keysOf(objects, "srv_1/")).length).toBe(3);
  });

  it("leaves other bytes alone, whoever brings them", async () => {
    if (kind === "filesystem" || bucket === null || server === null) return;
    const credentials = `access_key_id=${server.accessKeyId}\nsecret_access_key=${server.secretAccessKey}`;
    const objects = await openStore(bucket.at("conflict"), { credentials: parseStoreCredentials(credentials) });
    await createRepository(objects, { encryption: testKey, openers: testOpeners });
    const wal = await openWal(objects);
    const [one, other] = [testWal(1), testWal(2)];
    const both = await Promise.allSettled(
      [one, other].map((bytes) => wal.putSegment(testPlace(1), inChunks(bytes, 1e6), null)),
    );
    const stored = both.filter(({ status }) => status === "fulfilled");
    expect(stored.length).toBeLessThan(2);
    const winner = both[0]?.status === "fulfilled" ? one : other;
    if (stored.length === 0) expect(await wal.putSegment(testPlace(1), inChunks(winner, 1e6), null)).toBe("stored");
    const loser = wal.putSegment(testPlace(1), inChunks(winner === one ? other : one, 1e6), null);
    await expect(loser).rejects.toMatchObject({ code: "wal-conflict" });
    expect(await wal.putSegment(testPlace(1), inChunks(winner, 1e5), null)).toBe("same");
    expect(Buffer.compare(await collect(wal.read(nameOf(1))), winner)).toBe(0);
  });
});

const nameOf = (number: number): string => `00000001000000000000000${number}`;

async function expectKept(wal: WalArchive, lines: readonly string[]): Promise<void> {
  for (const number of [0, 1, 2]) {
    const bytes = await readWhatIsThere(wal, number);
    expect(Buffer.compare(bytes, testWal(number).subarray(0, bytes.length))).toBe(0);
    const flushed = lines.flatMap((line) => {
      const [act, of, end] = line.split(" ");
      if (of !== String(number)) return [];
      return [act === "stored" ? testSegmentBytes : Number(end)];
    });
    // Its removal was begun when everything else was done.
    if (number === 0 && lines.includes("history")) continue;
    expect(bytes.length).toBeGreaterThanOrEqual(Math.max(0, ...flushed));
  }
  if (lines.includes("history")) expect(await wal.has("00000002.history")).toBe(true);
}

async function readWhatIsThere(wal: WalArchive, number: number): Promise<Uint8Array> {
  if (await wal.has(nameOf(number))) return collect(wal.read(nameOf(number)));
  const partial = await wal.partialOf(testPlace(number));
  return partial === null ? new Uint8Array(0) : collect(partial.read());
}

async function live(
  order: KilledWalOrder,
): Promise<{ readonly signal: string | null; readonly lines: readonly string[] }> {
  const script = new URL("./killed-wal.child.ts", import.meta.url).pathname;
  return new Promise((resolve) => {
    execFile(process.execPath, [script, JSON.stringify(order)], { timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ signal: error === null ? null : (error.signal ?? stderr), lines: stdout.trim().split("\n") });
    });
  });
}
