import { MemoryStore } from "@tidemark/storage";
import { magic } from "../../format.ts";
import { createRepository, openRepository } from "../../open-repository.ts";
import type { FramePool } from "../../packs/frame-pool.ts";
import { noise, readTestBackup } from "../../test-repository.ts";
import type { ServerArea } from "../../types.ts";
import { ModelClock, type ModelHost, ModelProcess } from "./model-process.ts";

export type ModelFiles = ReadonlyMap<string, Uint8Array>;

/** How the world of one run is made. */
export interface WorldOptions {
  readonly seed: number;
  readonly exclusiveCreate: boolean;
  /** Hosts' clocks are off by up to this much in either direction. */
  readonly skewMs: number;
  readonly graceMs: number;
  readonly openers: FramePool;
}

/** What is known to be true, whatever the repository says. */
export class ModelWorld implements ModelHost {
  readonly store: MemoryStore;
  readonly clock = new ModelClock();
  readonly openers: FramePool;
  readonly exclusiveCreate: boolean;
  readonly graceMs: number;
  /** Files of every backup that was ever begun. */
  readonly intended = new Map<string, ModelFiles>();
  /** Backups whose commit was answered, or that were seen listed, and that nobody tried to delete. */
  readonly promised = new Set<string>();
  /** Somebody tried to delete them: they may be there or not. */
  readonly deleting = new Set<string>();
  readonly held = new Set<string>();
  readonly running = new Set<string>();
  readonly ended = new Set<string>();
  readonly log: string[] = [];
  readonly #skewMs: number;
  readonly #revoked = new Set<string>();
  #area: ServerArea | null = null;
  #server = new Map<string, Uint8Array>();
  #state: number;
  #ids = 0;

  constructor(options: WorldOptions) {
    this.store = new MemoryStore(this.clock);
    this.openers = options.openers;
    this.exclusiveCreate = options.exclusiveCreate;
    this.graceMs = options.graceMs;
    this.#skewMs = options.skewMs;
    this.#state = (options.seed * 2_654_435_761 + 97) >>> 0;
  }

  async create(): Promise<void> {
    const shared = { clock: this.clock, openers: this.openers, every: () => () => undefined } as const;
    await createRepository(this.store, { ...shared, encryption: "none", compression: { algorithm: "none" } });
    this.#area = (await openRepository(this.store, { ...shared, compression: { algorithm: "none" } })).area("srv_1");
    for (const [name, frames] of [
      ["large", 4],
      ["middle", 2],
      ["one", 1],
    ] as const) {
      this.#server.set(name, new Uint8Array(Buffer.concat(Array.from({ length: frames }, () => this.#frame()))));
    }
    for (const name of ["a", "b", "c"]) this.#server.set(name, this.#frame().slice(0, 9_000 + this.upTo(9_000)));
  }

  /** Sees everything as it is: no faults, no skew. */
  get area(): ServerArea {
    if (this.#area === null) throw new Error("the world was not made yet");
    return this.#area;
  }

  nextId(): number {
    return ++this.#ids;
  }

  /** A whole number below `limit`, the same in every run of a seed. */
  upTo(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.upTo(Math.max(1, items.length))];
  }

  process(): ModelProcess {
    return new ModelProcess(this, this.#skewMs === 0 ? 0 : this.upTo(this.#skewMs * 2) - this.#skewMs);
  }

  /** What the server holds now; it has changed a little since it was asked last. */
  changedFiles(): ModelFiles {
    for (let changes = this.upTo(4); changes > 0; changes--) {
      const name = this.pick([...this.#server.keys()]) ?? "large";
      const bytes = (this.#server.get(name) ?? new Uint8Array(0)).slice();
      const frames = Math.ceil(bytes.length / frameBytes);
      const at = this.upTo(frames) * frameBytes;
      bytes.set(this.#frame().subarray(0, Math.min(frameBytes, bytes.length - at)), at);
      this.#server.set(name, bytes);
    }
    return this.files();
  }

  files(): ModelFiles {
    return new Map(this.#server);
  }

  #frame(): Uint8Array {
    return noise(frameBytes, this.upTo(1_000_000_007));
  }

  async listed(): Promise<readonly string[]> {
    return (await this.area.listBackups()).map(({ backupId }) => backupId);
  }

  /** Every promise holds at this moment: what is listed can be read, what was promised is listed, what is revoked is not. */
  async check(): Promise<void> {
    const packs = new Set<string>();
    for await (const { key } of this.store.list("srv_1/packs/")) packs.add(key.slice("srv_1/packs/".length));
    const backups = await this.area.listBackups();
    for (const { backupId, damaged } of backups) {
      if (damaged !== null) throw new Error(`${backupId} is damaged: ${damaged}`);
      for (const packId of await (await this.area.openManifest(backupId)).packIds()) {
        if (!packs.has(packId)) throw new Error(`${backupId} is listed and its pack ${packId} is gone`);
      }
      if (this.exclusiveCreate && this.#revoked.has(backupId)) throw new Error(`${backupId} was revoked and is there`);
    }
    const listed = new Set(backups.map(({ backupId }) => backupId));
    for (const backupId of this.promised) {
      if (!listed.has(backupId)) throw new Error(`${backupId} was promised and is not listed`);
    }
    for (const backupId of this.held) {
      if (!listed.has(backupId)) throw new Error(`${backupId} was held and is gone`);
    }
    for await (const { key } of this.store.list("srv_1/backups/")) {
      const head = Buffer.from((await this.store.get(key)).subarray(0, 8)).toString("latin1");
      if (head === magic.revoked) this.#revoked.add(key.slice("srv_1/backups/".length));
    }
  }

  async checkContent(backupIds: readonly string[]): Promise<void> {
    for (const backupId of backupIds) {
      const files = this.intended.get(backupId);
      const found = await readTestBackup(this.area, backupId);
      if (files === undefined || files.size !== found.size) throw new Error(`${backupId} has other files`);
      for (const [name, bytes] of files) {
        if (Buffer.compare(found.get(name) ?? new Uint8Array(0), bytes) !== 0) {
          throw new Error(`${backupId} has other bytes in ${name}`);
        }
      }
    }
  }
}

const frameBytes = 131_072;
