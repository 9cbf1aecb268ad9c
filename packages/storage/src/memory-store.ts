import { type Clock, systemClock } from "@tidemark/kit";
import { bodyChunks } from "./object-body.ts";
import { objectExists, objectMissing, rangePastEnd, throwIfCancelled } from "./object-errors.ts";
import { assertObjectKey, assertPrefix } from "./object-key.ts";
import {
  type AppendableObject,
  type GetOptions,
  type ListOptions,
  type ObjectBody,
  type ObjectFacts,
  type ObjectStore,
  type PutOptions,
  plainCapabilities,
  type StoreCapabilities,
} from "./object-store.ts";

interface StoredObject {
  readonly bytes: Uint8Array;
  readonly modifiedAt: Date;
  /** Of an object that grows: what lasts. */
  readonly syncedBytes?: number;
}

/** Objects in this process's memory: for tests and for trying things. Gone with the process. */
export class MemoryStore implements ObjectStore {
  readonly location = "memory:";
  readonly #clock: Clock;
  readonly #objects = new Map<string, StoredObject>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<{ readonly sizeBytes: number }> {
    assertObjectKey(key);
    if (this.#objects.has(key)) throw objectExists(this.location, key);
    const chunks: Uint8Array[] = [];
    for await (const chunk of bodyChunks(body)) {
      throwIfCancelled(options.signal);
      chunks.push(chunk.slice());
    }
    throwIfCancelled(options.signal);
    if (this.#objects.has(key)) throw objectExists(this.location, key);
    const bytes = new Uint8Array(Buffer.concat(chunks));
    this.#objects.set(key, { bytes, modifiedAt: this.#clock.now() });
    return { sizeBytes: bytes.length };
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    throwIfCancelled(options.signal);
    const { bytes } = this.#find(key);
    if (options.range === undefined) return bytes.slice();
    const end = options.range.offset + options.range.length;
    if (end > bytes.length) throw rangePastEnd(this.location, key, end, bytes.length);
    return bytes.slice(options.range.offset, end);
  }

  async *read(key: string, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array> {
    const { bytes } = this.#find(key);
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      throwIfCancelled(options.signal);
      yield bytes.slice(at, at + chunkBytes);
    }
  }

  async stat(key: string): Promise<ObjectFacts | null> {
    assertObjectKey(key);
    const found = this.#objects.get(key);
    return found === undefined ? null : { key, sizeBytes: found.bytes.length, modifiedAt: found.modifiedAt };
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectFacts> {
    assertPrefix(prefix);
    const { after = "" } = options;
    const keys = [...this.#objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    for (const key of keys) {
      throwIfCancelled(options.signal);
      const facts = await this.stat(key);
      if (facts !== null) yield facts;
    }
  }

  async listPrefixes(prefix: string): Promise<readonly string[]> {
    assertPrefix(prefix);
    const names = new Set<string>();
    for (const key of this.#objects.keys()) {
      if (!key.startsWith(prefix)) continue;
      const slash = key.indexOf("/", prefix.length);
      if (slash !== -1) names.add(key.slice(prefix.length, slash));
    }
    return [...names].sort();
  }

  async delete(key: string): Promise<void> {
    assertObjectKey(key);
    this.#objects.delete(key);
  }

  async beginAppend(): Promise<AppendableObject> {
    return new MemoryAppend(this.#objects, this.location, () => this.#clock.now());
  }

  async settle(key: string): Promise<void> {
    const found = this.#objects.get(key);
    if (found?.syncedBytes !== undefined) this.#objects.set(key, { ...found, syncedBytes: found.bytes.length });
  }

  /**
   * For crash tests: what a machine that lost its power has left of objects that grow. What was synced stays; of what was
   * not, `keep` (of so many bytes) of it, and half of that garbled. No part of the port.
   */
  losePower(keep: (unsyncedBytes: number) => number): void {
    for (const [key, object] of this.#objects) {
      const { syncedBytes = object.bytes.length } = object;
      const kept = keep(object.bytes.length - syncedBytes);
      const bytes = object.bytes.slice(0, syncedBytes + kept);
      bytes.subarray(syncedBytes + Math.floor(kept / 2)).fill(0x5a);
      this.#objects.set(key, { ...object, bytes });
    }
  }

  async isEmpty(): Promise<boolean> {
    return this.#objects.size === 0;
  }

  async probe(): Promise<StoreCapabilities> {
    return { exclusiveCreate: true, writable: true, ...plainCapabilities };
  }

  async createsExclusively(): Promise<boolean> {
    return true;
  }

  async space(): Promise<null> {
    return null;
  }

  /** For damage tests: puts other bytes under a key, as a failing disk would. No part of the port. */
  overwrite(key: string, bytes: Uint8Array): void {
    this.#objects.set(key, { bytes: bytes.slice(), modifiedAt: this.#clock.now() });
  }

  #find(key: string): StoredObject {
    assertObjectKey(key);
    const found = this.#objects.get(key);
    if (found === undefined) throw objectMissing(this.location, key);
    return found;
  }
}

class MemoryAppend implements AppendableObject {
  readonly #objects: Map<string, StoredObject>;
  readonly #location: string;
  readonly #now: () => Date;
  #bytes: Uint8Array = new Uint8Array(0);
  #syncedBytes = 0;
  #key: string | null = null;

  constructor(objects: Map<string, StoredObject>, location: string, now: () => Date) {
    this.#objects = objects;
    this.#location = location;
    this.#now = now;
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    this.#bytes = new Uint8Array(Buffer.concat([this.#bytes, ...chunks]));
    this.#show();
  }

  async sync(): Promise<void> {
    this.#syncedBytes = this.#bytes.length;
    this.#show();
  }

  async publish(key: string): Promise<void> {
    assertObjectKey(key);
    if (this.#objects.has(key)) throw objectExists(this.#location, key);
    if (this.#key !== null) this.#objects.delete(this.#key);
    this.#key = key;
    this.#syncedBytes = this.#bytes.length;
    this.#objects.set(key, { bytes: this.#bytes, modifiedAt: this.#now(), syncedBytes: this.#syncedBytes });
  }

  async close(): Promise<void> {
    this.#key = null;
  }

  /** Not once its object was deleted: a file without a name takes what is appended, and nobody sees it. */
  #show(): void {
    if (this.#key === null || !this.#objects.has(this.#key)) return;
    const facts = { modifiedAt: this.#now(), syncedBytes: this.#syncedBytes };
    this.#objects.set(this.#key, { bytes: this.#bytes, ...facts });
  }
}

const chunkBytes = 256 * 1024;
