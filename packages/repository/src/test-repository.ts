import { createHash } from "node:crypto";
import { Secret } from "@tidemark/kit";
import { MemoryStore, type ObjectStore } from "@tidemark/storage";
import { createRepository, type RepositoryOptions } from "./open-repository.ts";
import { encodeFrame, type Fingerprinter, loadFingerprinter } from "./packs/frame-kernel.ts";
import { FramePool } from "./packs/frame-pool.ts";
import type {
  BackupFacts,
  BackupWriter,
  FrameEncoder,
  FrameJob,
  FrameOutcome,
  ManifestFile,
  Repository,
  RepositoryKey,
  ServerArea,
  StoredBackup,
} from "./types.ts";

/** For this package's own tests: backups of files that are literals, encoded without threads. */
export type TestFiles = ReadonlyMap<string, Uint8Array>;

export const testKey: RepositoryKey = {
  kind: "key-file",
  // 32 bytes of 1 and their checksum.
  text: new Secret("tidemark-key-1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEv-9uV"),
};

export const testFacts: BackupFacts = {
  serverName: "orders",
  systemIdentifier: 7_412_345_678_901_234_567n,
  serverVersion: 180_004,
  catalogVersion: 202_506_291,
  timeline: 1,
  startLsn: 0x1_0000_0028n,
  stopLsn: 0x1_0000_0158n,
  stopTimeline: 1,
  startedAt: new Date("2026-01-02T03:04:05.000Z"),
  stoppedAt: new Date("2026-01-02T03:05:06.000Z"),
  label: "tidemark",
  fromStandby: false,
  blockSize: 8192,
  walSegmentSizeBytes: 16_777_216,
  dataDirectoryMode: 0o700,
  checksumsEnabled: true,
  tablespaces: [{ oid: 16_500, path: "/srv/fast" }],
  backupLabel: "START WAL LOCATION: 1/28 (file 000000010000000100000000)\n",
  tablespaceMap: "16500 /srv/fast\n",
  suspectPages: [{ path: "base/5/1259", blocks: [3, 4] }],
  includedWal: { timeline: 1, startLsn: 0x1_0000_0000n, endLsn: 0x1_0100_0000n },
  notes: ["no replication slot was free"],
  method: null,
  configuration: null,
  environment: null,
  reading: null,
  walRanges: null,
  trustRound: null,
  trustFindings: null,
  youngPages: null,
};

export class InlineEncoder implements FrameEncoder {
  readonly pipelineDepth = 4;
  #fingerprinter: Promise<Fingerprinter> | null = null;

  async encode(job: FrameJob): Promise<FrameOutcome> {
    this.#fingerprinter ??= loadFingerprinter(job.fingerprintSeed);
    return encodeFrame(job, await this.#fingerprinter);
  }

  async close(): Promise<void> {
    return;
  }
}

/** One thread for all repositories of a test file: starting one takes longer than most of what they read. */
class KeptPool extends FramePool {
  override async close(): Promise<void> {
    return;
  }
}

export const testOpeners: FramePool = new KeptPool({ threads: 1 });

export async function newTestRepository(
  options: RepositoryOptions & { readonly store?: ObjectStore; readonly encrypted?: boolean } = {},
): Promise<{ readonly repository: Repository; readonly area: ServerArea; readonly store: ObjectStore }> {
  const { store = new MemoryStore(), encrypted = true, ...rest } = options;
  const repository = await createRepository(store, {
    openers: testOpeners,
    ...rest,
    encryption: encrypted ? testKey : "none",
  });
  return { repository, area: repository.area("srv_1"), store };
}

/** Takes a backup of `files` in their order; directories and links come by name: `dir/` and `link@target`. */
export async function takeTestBackup(
  area: ServerArea,
  backupId: string,
  parentId: string | null,
  files: TestFiles,
  facts: BackupFacts = testFacts,
): Promise<StoredBackup> {
  const encoder = new InlineEncoder();
  const writer = await area.beginBackup({ backupId, parentId, startedAt: testFacts.startedAt, encoder });
  await writeFiles(writer, files);
  return writer.commit(facts);
}

export async function writeFiles(writer: BackupWriter, files: TestFiles): Promise<void> {
  for (const [name, bytes] of files) {
    const path = new TextEncoder().encode(name);
    const [linkName, target] = name.split("@");
    if (name.endsWith("/")) {
      await writer.addDirectory({ path: path.subarray(0, -1), mode: 0o700 });
    } else if (target !== undefined) {
      await writer.addSymlink({ path: new TextEncoder().encode(linkName), target });
    } else {
      const sizeBytes = BigInt(bytes.length);
      const file = await writer.addFile({ path, mode: 0o600, sizeBytes, modifiedAt: new Date(1_700_000_000_000) });
      // 100 000 is no multiple of anything: chunks and frames never end together.
      for (let at = 0; at < bytes.length; at += 100_000) await file.write(bytes.subarray(at, at + 100_000));
      await file.end();
    }
  }
}

/** Reads every file of a backup back. Damage is an error that names the file. */
export async function readTestBackup(area: ServerArea, backupId: string): Promise<Map<string, Uint8Array>> {
  const manifest = await area.openManifest(backupId);
  const frames = area.frames();
  const found = new Map<string, Uint8Array>();
  for await (const entry of manifest.entries()) {
    const name = new TextDecoder().decode(entry.path);
    if (entry.kind === "directory") found.set(`${name}/`, new Uint8Array(0));
    if (entry.kind === "symlink") found.set(`${name}@${entry.target}`, new Uint8Array(0));
    if (entry.kind !== "file") continue;
    const bytes = new Uint8Array(Number(entry.sizeBytes));
    for (const extent of entry.extents) {
      if (extent.kind === "zeros") continue;
      for await (const frame of frames.readFrames(extent.packId, [extent.frameIndex])) {
        if (frame.kind === "damaged") throw new Error(`${name}: ${frame.reason}`);
        const run = frame.plain.subarray(extent.offsetInFrame, extent.offsetInFrame + extent.lengthBytes);
        bytes.set(run, Number(extent.fileOffset));
      }
    }
    found.set(name, bytes);
  }
  return found;
}

export async function filesOf(area: ServerArea, backupId: string): Promise<ManifestFile[]> {
  const found: ManifestFile[] = [];
  for await (const entry of (await area.openManifest(backupId)).entries()) if (entry.kind === "file") found.push(entry);
  return found;
}

/** Files as what tells them apart: comparing megabytes one by one is what most of these tests would spend their time with. */
export function digestsOf(files: TestFiles): ReadonlyMap<string, string> {
  const digest = (bytes: Uint8Array): string => createHash("blake2b512").update(bytes).digest("hex").slice(0, 32);
  return new Map([...files].map(([name, bytes]) => [name, `${bytes.length} bytes, ${digest(bytes)}`]));
}

/** Bytes that are reproducible and do not compress to nothing. */
export function noise(length: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  for (let at = 0; at < words.length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

export async function keysOf(store: ObjectStore, prefix = ""): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}
