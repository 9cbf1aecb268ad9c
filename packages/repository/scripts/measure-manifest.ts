/**
 * Writes, reads and indexes a manifest of many extents (a cluster of 128 KiB times that) in a folder and prints JSON with
 * the peak resident memory: `node packages/repository/scripts/measure-manifest.ts [extents] [folder]`.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId, systemClock } from "@tidemark/kit";
import { FilesystemStore } from "@tidemark/storage";
import { ManifestObject } from "../src/manifests/manifest-object.ts";
import { OpenedManifest } from "../src/manifests/manifest-reader.ts";
import { ManifestWriter } from "../src/manifests/manifest-writer.ts";
import { ParentIndex } from "../src/manifests/parent-index.ts";
import { FramePool } from "../src/packs/frame-pool.ts";
import type { RepositoryContext } from "../src/repository-context.ts";
import { defaultCompression } from "../src/seal/compression.ts";
import { noise, testFacts } from "../src/test-repository.ts";
import type { Extent } from "../src/types.ts";

const extentCount = Number(process.argv[2] ?? 1_000_000);
/** A relation's segment of 1 GiB. */
const extentsPerFile = 8192;
const frame = 131_072;
const fileCount = Math.ceil(extentCount / extentsPerFile);

const unknownCounts = {
  newBytes: null,
  zeroBytes: null,
  carriedBytes: null,
  sentBytes: null,
  runs: null,
  smallRuns: null,
};

const folder = await mkdtemp(join(tmpdir(), "tidemark-manifest-"));
const context: RepositoryContext = {
  store: new FilesystemStore(join(folder, "store")),
  repositoryId: "rep_measure",
  keyring: { currentKeyId: "key_1", dataKeys: new Map([["key_1", new Uint8Array(32)]]) },
  fingerprintSeed: new Uint8Array(8),
  compression: defaultCompression,
  spoolFolder: folder,
  leaseRenewalMs: 600_000,
  every: () => () => undefined,
  clock: systemClock,
  newId,
  randomBytes: (length) => new Uint8Array(length),
  step: async () => undefined,
  openers: new FramePool({ threads: 1 }),
};

try {
  const startedAt = performance.now();
  const sizeBytes = await write();
  const writtenAt = performance.now();
  const manifest = await ManifestObject.open(context, "srv_1/backups/bak_1");
  let extents = 0;
  for await (const entry of new OpenedManifest(manifest).entries()) {
    if (entry.kind === "file") extents += entry.extents.length;
  }
  const readAt = performance.now();
  const index = await ParentIndex.build(manifest);
  const last = await index.file(pathOf(fileCount - 1));
  const found = (await last?.runAt(frame * 5, frame))?.frameIndex;
  const peakBytes = Number(/VmHWM:\s+(\d+) kB/.exec(await readFile("/proc/self/status", "utf8"))?.[1]) * 1024;
  const seconds = {
    write: (writtenAt - startedAt) / 1000,
    read: (readAt - writtenAt) / 1000,
    index: (performance.now() - readAt) / 1000,
  };
  process.stdout.write(`${JSON.stringify({ extents, found, sizeBytes, peakBytes, seconds })}\n`);
} finally {
  await rm(folder, { recursive: true });
}

async function write(): Promise<number> {
  const writer = new ManifestWriter(context, "srv_1", "bak_1");
  for (let file = 0; file < fileCount; file++) {
    const sizeBytes = BigInt(extentsPerFile * frame);
    writer.beginFile({ path: pathOf(file), mode: 0o600, sizeBytes, modifiedAt: new Date(0) });
    for (let from = 0; from < extentsPerFile; from += 1024) {
      writer.addExtents(Array.from({ length: 1024 }, (_, index) => extentAt(file, from + index)));
      await writer.spool.settle();
    }
    writer.endFile(1);
  }
  const counts = { readBytes: 0n, storedBytes: 0n, referencedBytes: 0n, files: fileCount, ...unknownCounts };
  const header = {
    backupId: "bak_1",
    serverId: "srv_1",
    parentId: null,
    facts: testFacts,
    counts,
    fileCount,
    plainBytes: 0n,
  };
  const { sizeBytes } = await context.store.put(writer.key, writer.finish(header));
  await writer.spool.close();
  return sizeBytes;
}

function extentAt(file: number, number: number): Extent {
  const fingerprint = noise(20, file * extentsPerFile + number);
  return {
    kind: "frame",
    fileOffset: BigInt(number * frame),
    lengthBytes: frame,
    packId: `pck_${String(file * 12 + Math.floor(number / 700)).padStart(26, "0")}`,
    frameIndex: number % 700,
    offsetInFrame: 0,
    crc32c: new DataView(fingerprint.buffer).getUint32(16),
    fingerprint: fingerprint.subarray(0, 16),
  };
}

function pathOf(file: number): Uint8Array {
  return new TextEncoder().encode(`base/16384/${16_385 + file}`);
}
