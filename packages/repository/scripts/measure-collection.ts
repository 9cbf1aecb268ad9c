/**
 * Surveys an area of many backups and packs that exist only as numbers, plans and makes a pass, and prints JSON with time,
 * requests and peak resident memory: `node packages/repository/scripts/measure-collection.ts [backups] [packs]`.
 */
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { newId, systemClock } from "@tidemark/kit";
import { type GetOptions, MemoryStore, type ObjectFacts } from "@tidemark/storage";
import { executeCollection, planCollection } from "../src/collection/collection.ts";
import { formatVersion, magic } from "../src/format.ts";
import { ManifestWriter } from "../src/manifests/manifest-writer.ts";
import { FramePool } from "../src/packs/frame-pool.ts";
import type { RepositoryContext } from "../src/repository-context.ts";
import { guardKeysOf, walHashKeysOf } from "../src/seal/guard-key.ts";
import { encodeTrailer } from "../src/seal/object-trailer.ts";
import { testFacts } from "../src/test-repository.ts";
import type { Extent } from "../src/types.ts";
import { WalBlocks } from "../src/wal/wal-blocks.ts";

const backups = Number(process.argv[2] ?? 1000);
const packs = Number(process.argv[3] ?? 30_000);
const framesPerPack = 1000;
const packBytes = 32 * 1024 * 1024;
const prefix = "srv_1/packs/";
const packIdOf = (number: number): string => `pck_${String(number).padStart(26, "0")}`;

/** Packs are made up when they are asked for; everything else is there. */
class SimulatedStore extends MemoryStore {
  requests = 0;
  readonly #trailer = encodeTrailer(magic.packEnd, {
    keyId: "",
    salt: new Uint8Array(16),
    formatVersion,
    lastBoxOffset: packBytes - 60_080,
    lastBoxBytes: 60_000,
    count: framesPerPack,
  });

  override async get(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    this.requests++;
    if (!key.startsWith(prefix)) return super.get(key, options);
    if (options.range?.length === 80) return this.#trailer.slice();
    // A directory of another kind: weighed by the mean then, as where there are too many.
    return new Uint8Array(options.range?.length ?? 0);
  }

  override async stat(key: string): Promise<ObjectFacts | null> {
    this.requests++;
    return key.startsWith(prefix) ? { key, sizeBytes: packBytes, modifiedAt: new Date(0) } : super.stat(key);
  }

  override async *list(under: string): AsyncGenerator<ObjectFacts> {
    this.requests++;
    if (under !== prefix) return yield* super.list(under);
    for (let number = 0; number < packs; number++) {
      yield { key: `${prefix}${packIdOf(number)}`, sizeBytes: packBytes, modifiedAt: new Date(0) };
    }
  }
}

const store = new SimulatedStore();
const context: RepositoryContext = {
  store,
  repositoryId: "rep_measure",
  keyring: null,
  guardKeys: guardKeysOf("rep_measure", new Uint8Array(8)),
  fingerprintSeed: new Uint8Array(8),
  walHashKeys: walHashKeysOf(new Uint8Array(64)),
  compression: { algorithm: "zstd", level: 1 },
  spoolFolder: tmpdir(),
  leaseRenewalMs: 600_000,
  every: () => () => undefined,
  clock: systemClock,
  newId,
  randomBytes: (length) => new Uint8Array(length),
  step: async () => undefined,
  openers: new FramePool({ threads: 1 }),
  walBlocks: new WalBlocks(),
  sealsHere: false,
};

await measure("the store itself", writeManifests);
const options = { now: systemClock.now(), graceMs: 3_600_000, runningBackupIds: [] };
const plan = await measure("plan", () => planCollection(context, "srv_1", options));
await measure("first pass", () => executeCollection(context, "srv_1", plan, undefined));
const next = await planCollection(context, "srv_1", { ...options, now: new Date(options.now.getTime() + 60_000) });
await measure("second pass", () => executeCollection(context, "srv_1", next, undefined));

async function measure<T>(name: string, act: () => Promise<T>): Promise<T> {
  const [startedAt, requests] = [performance.now(), store.requests];
  const answer = await act();
  const peakBytes = Number(/VmHWM:\s+(\d+) kB/.exec(await readFile("/proc/self/status", "utf8"))?.[1]) * 1024;
  const seconds = (performance.now() - startedAt) / 1000;
  process.stdout.write(`${JSON.stringify({ name, seconds, requests: store.requests - requests, peakBytes })}\n`);
  return answer;
}

/** Each backup refers to one frame of every pack in a sliding window of half the packs. */
async function writeManifests(): Promise<void> {
  for (let backup = 0; backup < backups; backup++) {
    const backupId = `bak_${String(backup).padStart(26, "0")}`;
    const writer = new ManifestWriter(context, "srv_1", backupId);
    writer.beginFile({ path: Buffer.from("f"), mode: 0o600, sizeBytes: 0n, modifiedAt: new Date(0) });
    const first = Math.floor((backup * packs) / backups / 2);
    for (let number = first; number < first + packs / 2; number += 1000) {
      const length = Math.min(1000, first + packs / 2 - number);
      const runs = Array.from({ length }, (_, at) => extentOf(number + at, (backup * 7 + number + at) % framesPerPack));
      writer.addExtents(runs);
    }
    writer.endFile(1);
    const counts = { readBytes: 0n, storedBytes: 0n, referencedBytes: 0n, files: 1 };
    const none = { newBytes: null, zeroBytes: null, carriedBytes: null, sentBytes: null, runs: null, smallRuns: null };
    const facts = { ...testFacts, startedAt: new Date(backup) };
    const header = { backupId, serverId: "srv_1", parentId: null, facts, counts: { ...counts, ...none }, fileCount: 1 };
    await store.put(writer.key, writer.finish({ ...header, plainBytes: 0n }));
    await writer.spool.close();
  }
}

function extentOf(pack: number, frameIndex: number): Extent {
  return {
    kind: "frame",
    fileOffset: 0n,
    lengthBytes: 8192,
    packId: packIdOf(pack),
    frameIndex,
    offsetInFrame: 0,
    crc32c: 0,
    fingerprint: null,
  };
}
