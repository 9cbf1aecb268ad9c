/**
 * Writes the manifest of a fragmented cluster (a run for every 1 or 2 pages), reads it, asks it what rolling trust and the
 * collection ask, and uses it as the parent of a backup that patches some pages of every file and carries the rest. Prints JSON
 * with the peak resident memory: `node packages/repository/scripts/measure-manifest.ts [pages] [folder]`; 134217728 pages
 * are 1 TB.
 */
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { boundedMemory, newId, systemClock } from "@tidemark/kit";
import { FilesystemStore } from "@tidemark/storage";
import { OpenBackupWriter } from "../src/backup/backup-writer.ts";
import { keepHeapSmall } from "../src/bytes/keep-heap-small.ts";
import { ManifestObject } from "../src/manifests/manifest-object.ts";
import { OpenedManifest } from "../src/manifests/manifest-reader.ts";
import { ManifestWriter } from "../src/manifests/manifest-writer.ts";
import { FramePool } from "../src/packs/frame-pool.ts";
import type { RepositoryContext } from "../src/repository-context.ts";
import { defaultCompression } from "../src/seal/compression.ts";
import { walHashKeysOf } from "../src/seal/guard-key.ts";
import { InlineEncoder, noise, testFacts } from "../src/test-repository.ts";
import type { Extent } from "../src/types.ts";
import { WalBlocks } from "../src/wal/wal-blocks.ts";

// As a worker is started, and what it does first.
if (!Object.keys(boundedMemory.environment).every((name) => name in process.env)) {
  const script = [...boundedMemory.nodeFlags, ...process.execArgv, ...process.argv.slice(1)];
  const env = { ...process.env, ...boundedMemory.environment };
  process.exit(spawnSync(process.execPath, script, { env, stdio: "inherit" }).status ?? 1);
}
keepHeapSmall();

const pageCount = Number(process.argv[2] ?? 8 * 131_072);
const page = 8192;
/** A relation's segment of 1 GiB. */
const pagesPerFile = 131_072;
const fileCount = Math.ceil(pageCount / pagesPerFile);
/** What changes is a whole frame, so that it needs none of the packs, which are not really there. */
const windowPages = 16;
/** Packs that a file's pages lie in: twelve of its first backup, twelve of those after it. */
const packsPerFile = 24;
const framesPerPack = 800;

const folder = await mkdtemp(join(process.argv[3] ?? tmpdir(), "tidemark-manifest-"));
const context: RepositoryContext = {
  store: new FilesystemStore(join(folder, "store")),
  repositoryId: "rep_measure",
  keyring: { keyIdFor: () => "key_1", secretFor: () => new Uint8Array(32) },
  guardKeys: null,
  fingerprintSeed: new Uint8Array(8),
  walHashKeys: walHashKeysOf(new Uint8Array(64)),
  compression: defaultCompression,
  spoolFolder: folder,
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
const seconds: Record<string, number> = {};
const peaks: Record<string, number> = {};

try {
  // What a pack holds is never asked for here: the writer only looks whether it is there.
  for (let pack = 0; pack < fileCount * packsPerFile; pack++) {
    await context.store.put(`srv_1/packs/${packIdOf(pack)}`, new Uint8Array(1));
  }
  const manifestBytes = await measure("write", write);
  const manifest = await ManifestObject.open(context, "srv_1/backups/bak_1");
  const reader = new OpenedManifest(manifest);
  const extents = await measure("read", async () => {
    let count = 0;
    for await (const entry of reader.entries()) if (entry.kind === "file") count += entry.extents.length;
    return count;
  });
  const summary = await measure("summarize", async () => {
    let runs = 0;
    for await (const file of reader.files()) runs += file.runs;
    const frames = await reader.frameUse();
    return { runs, packs: frames.size };
  });
  const carried = await measure("carry", carryAll);
  process.stdout.write(
    `${JSON.stringify({ extents, ...summary, ...carried, manifestBytes, seconds, peakMiB: peaks })}\n`,
  );
} finally {
  await rm(folder, { recursive: true });
}

async function measure<T>(name: string, act: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await act();
  seconds[name] = Math.round((performance.now() - startedAt) / 100) / 10;
  const highWater = /VmHWM:\s+(\d+) kB/.exec(await readFile("/proc/self/status", "utf8"))?.[1];
  peaks[name] = Math.round(Number(highWater) / 1024);
  return result;
}

async function write(): Promise<number> {
  const writer = new ManifestWriter(context, "srv_1", "bak_1");
  for (let file = 0; file < fileCount; file++) {
    const sizeBytes = BigInt(pagesPerFile * page);
    writer.beginFile({ path: pathOf(file), mode: 0o600, sizeBytes, modifiedAt: new Date(0) });
    let extents: Extent[] = [];
    for (let at = 0; at < pagesPerFile; ) {
      const extent = extentAt(file, at);
      extents.push(extent);
      at += Number(extent.lengthBytes) / page;
      if (extents.length < 1024 && at < pagesPerFile) continue;
      writer.addExtents(extents);
      extents = [];
      await writer.spool.settle();
    }
    writer.endFile(1);
  }
  const sizes = { readBytes: 0n, storedBytes: 0n, referencedBytes: 0n, newBytes: 0n, zeroBytes: 0n, carriedBytes: 0n };
  const { runs, smallRuns } = writer;
  const counts = { ...sizes, files: fileCount, sentBytes: null, runs, smallRuns };
  const names = { backupId: "bak_1", serverId: "srv_1", parentId: null };
  const header = { ...names, facts: testFacts, counts, fileCount, plainBytes: 0n };
  const { sizeBytes } = await context.store.put(writer.key, writer.finish(header));
  await writer.spool.close();
  return sizeBytes;
}

/** Every file with its first 16 pages changed; gives the runs and bytes carried. */
async function carryAll(): Promise<{ readonly carriedRuns: number; readonly carriedBytes: string }> {
  const encoder = new InlineEncoder();
  const begin = { backupId: "bak_2", parentId: "bak_1", startedAt: new Date(0), encoder };
  const writer = await OpenBackupWriter.begin(context, "srv_1", begin);
  for (let file = 0; file < fileCount; file++) {
    const patched = await writer.addPatchedFile({
      path: pathOf(file),
      mode: 0o600,
      sizeBytes: BigInt(pagesPerFile * page),
      modifiedAt: new Date(0),
      blockSize: page,
      changedBlocks: Uint32Array.from({ length: windowPages }, (_, block) => block),
      zerosFrom: null,
    });
    await patched.write(noise(page * windowPages, file));
    await patched.end();
  }
  const { counts } = await writer.commit(testFacts);
  return { carriedRuns: (counts?.runs ?? 0) - fileCount, carriedBytes: String(counts?.carriedBytes) };
}

/** One page or two, as good as random, as is where they lie; none is cut by the pages that change. */
function extentAt(file: number, at: number): Extent {
  const random = mixed(file * pagesPerFile + at + 1);
  const pages = at === windowPages - 1 || (random & 1) === 0 || at + 1 === pagesPerFile ? 1 : 2;
  const age = (random >>> 1) % packsPerFile;
  return {
    kind: "frame",
    fileOffset: BigInt(at * page),
    lengthBytes: pages * page,
    packId: packIdOf(file * packsPerFile + age),
    frameIndex: Math.floor((at / pagesPerFile) * framesPerPack),
    offsetInFrame: ((random >>> 8) % 15) * page,
    crc32c: Math.imul(random, 0x9e3779b1) >>> 0,
    fingerprint: age < packsPerFile / 2 ? null : noise(16, random),
  };
}

/** The finalizer of MurmurHash3, 32 bits. */
function mixed(number: number): number {
  let hash = Math.imul(number ^ (number >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function packIdOf(number: number): string {
  return `pck_${String(number).padStart(26, "0")}`;
}

function pathOf(file: number): Uint8Array {
  return new TextEncoder().encode(`base/16384/${16_385 + file}`);
}
