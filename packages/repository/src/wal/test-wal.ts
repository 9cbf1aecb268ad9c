import { createHash } from "node:crypto";
import { MemoryStore, type ObjectBody, type ObjectStore } from "@tidemark/storage";
import { openRepository, type RepositoryOptions } from "../open-repository.ts";
import { testKey, testOpeners } from "../test-repository.ts";
import type { WalArchive, WalSegmentPlace } from "./wal-archive.ts";

/** For this package's own tests: WAL that is made up. */

export const testSegmentBytes = 1 << 20;

export const testSystem = 7_412_345_678_901_234_567n;

export function testPlace(number: number, timeline = 1): WalSegmentPlace {
  return { timeline, startLsn: BigInt(number) * BigInt(testSegmentBytes), sizeBytes: testSegmentBytes };
}

/** Bytes that compress somewhat, the same for the same seed; behind `until` zeros. */
export function testWal(seed: number, until = testSegmentBytes): Uint8Array {
  const bytes = new Uint8Array(testSegmentBytes);
  for (let at = 0; at < until; at += 4096) {
    const noise = createHash("sha256").update(`${seed} ${at}`).digest();
    for (let within = 0; within < 4096; within += 32)
      bytes.set(noise.subarray(0, within % 128 === 0 ? 32 : 8), at + within);
  }
  bytes.fill(0, until);
  return bytes;
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return new Uint8Array(Buffer.concat(all));
}

export async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** A store in which nothing grows, as on S3. */
export class PlainStore extends MemoryStore {
  override readonly beginAppend = undefined as never;
}

/** One that cannot refuse a second object of a key either, as on OpenStack Swift. */
export class OverwritingStore extends PlainStore {
  override async put(key: string, body: ObjectBody): Promise<{ readonly sizeBytes: number }> {
    const chunks: Uint8Array[] = [];
    if (body instanceof Uint8Array) chunks.push(body);
    else for await (const chunk of body) chunks.push(chunk.slice());
    const bytes = new Uint8Array(Buffer.concat(chunks));
    this.overwrite(key, bytes);
    return { sizeBytes: bytes.length };
  }

  override async createsExclusively(): Promise<boolean> {
    return false;
  }
}

export async function openWal(store: ObjectStore, options: RepositoryOptions = {}): Promise<WalArchive> {
  const repository = await openRepository(store, { key: testKey, openers: testOpeners, ...options });
  return repository.area("srv_1").wal(testSystem);
}
