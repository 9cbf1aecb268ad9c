import { AppError, type ErrorCode } from "@tidemark/kit";
import { bodyChunks } from "./object-body.ts";
import type {
  AppendableObject,
  AppendOptions,
  GetOptions,
  ListOptions,
  ObjectBody,
  ObjectFacts,
  ObjectStore,
  PutOptions,
} from "./object-store.ts";
import { passAppendable, StoreWrapper } from "./store-wrapper.ts";

export type FaultyOperation = "put" | "get" | "read" | "stat" | "list" | "delete" | "append" | "sync" | "publish";

/** One thing that goes wrong, decided by counting alone: the same calls fail in every run. */
export interface Fault {
  readonly operation: FaultyOperation;
  /** Which keys; all when left out. What is appended or synced before it is published has the key `""`. */
  readonly matches?: (key: string) => boolean;
  /** The first matching call that fails, counted from 1. Default 1. */
  readonly from?: number;
  /** How many calls fail. Default 1. */
  readonly times?: number;
  readonly effect: FaultEffect;
}

export type FaultEffect =
  /** Fails without having done anything. */
  | { readonly kind: "error-before"; readonly code: ErrorCode }
  /** Takes full effect, and then the answer is lost. */
  | { readonly kind: "error-after"; readonly code: ErrorCode }
  /** Waits for the promise first. */
  | { readonly kind: "stall"; readonly until: Promise<void> }
  /** `put` reports success and nothing is there: a cache that lied, a disk that was swapped. */
  | { readonly kind: "lost-put" }
  /** `get` and `read` give only this many bytes and say nothing. */
  | { readonly kind: "short-read"; readonly bytes: number };

export interface FaultPlan {
  readonly faults?: readonly Fault[];
  /** `put` is `storage-full` once this many bytes were accepted in all. */
  readonly fullAfterBytes?: number;
}

/** A store that fails as planned. For tests of everything above the port. */
export class FaultyStore extends StoreWrapper {
  readonly #rules: { readonly fault: Fault; calls: number }[];
  #freeBytes: number;

  constructor(inner: ObjectStore, plan: FaultPlan) {
    super(inner);
    this.#rules = (plan.faults ?? []).map((fault) => ({ fault, calls: 0 }));
    this.#freeBytes = plan.fullAfterBytes ?? Number.POSITIVE_INFINITY;
  }

  override put(key: string, body: ObjectBody, options?: PutOptions): Promise<{ readonly sizeBytes: number }> {
    return this.#run("put", key, async (_, lost) => {
      if (!lost) return await this.inner.put(key, this.#meter(key, body), options);
      let sizeBytes = 0;
      for await (const chunk of this.#meter(key, body)) sizeBytes += chunk.length;
      return { sizeBytes };
    });
  }

  async *#meter(key: string, body: ObjectBody): AsyncGenerator<Uint8Array> {
    for await (const chunk of bodyChunks(body)) {
      this.#take(key, chunk.length);
      yield chunk;
    }
  }

  #take(key: string, bytes: number): void {
    if (bytes > this.#freeBytes) {
      this.#freeBytes = 0;
      throw new AppError("storage-full", { message: `no space is left for ${key}`, context: { key } });
    }
    this.#freeBytes -= bytes;
  }

  override async beginAppend(options?: AppendOptions): Promise<AppendableObject | null> {
    const object = await super.beginAppend(options);
    if (object === null) return null;
    let published = "";
    return Object.assign(passAppendable(object), {
      append: (chunks: readonly Uint8Array[]) =>
        this.#run("append", published, async () => {
          for (const { length } of chunks) this.#take(published, length);
          await object.append(chunks);
        }),
      sync: () => this.#run("sync", published, () => object.sync()),
      publish: (key: string) =>
        this.#run("publish", key, async () => {
          await object.publish(key);
          published = key;
        }),
    });
  }

  override get(key: string, options?: GetOptions): Promise<Uint8Array> {
    return this.#run("get", key, async (short) => {
      const bytes = await this.inner.get(key, options);
      return short === null ? bytes : bytes.slice(0, short);
    });
  }

  override async *read(key: string, options?: { readonly signal?: AbortSignal }): AsyncGenerator<Uint8Array> {
    let left = await this.#run("read", key, async (short) => short ?? Number.POSITIVE_INFINITY);
    for await (const chunk of this.inner.read(key, options)) {
      if (left <= 0) return;
      yield chunk.subarray(0, left);
      left -= chunk.length;
    }
  }

  override stat(key: string): Promise<ObjectFacts | null> {
    return this.#run("stat", key, () => this.inner.stat(key));
  }

  override async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectFacts> {
    await this.#run("list", prefix, async () => undefined);
    yield* this.inner.list(prefix, options);
  }

  override delete(key: string): Promise<void> {
    return this.#run("delete", key, () => this.inner.delete(key));
  }

  async #run<T>(
    operation: FaultyOperation,
    key: string,
    act: (shortBytes: number | null, lost: boolean) => Promise<T>,
  ): Promise<T> {
    const effect = this.#next(operation, key);
    if (effect?.kind === "error-before") throw injected(effect.code, operation, key);
    if (effect?.kind === "stall") await effect.until;
    const answer = await act(effect?.kind === "short-read" ? effect.bytes : null, effect?.kind === "lost-put");
    if (effect?.kind === "error-after") throw injected(effect.code, operation, key);
    return answer;
  }

  #next(operation: FaultyOperation, key: string): FaultEffect | undefined {
    for (const rule of this.#rules) {
      const { fault } = rule;
      if (fault.operation !== operation || fault.matches?.(key) === false) continue;
      rule.calls++;
      const from = fault.from ?? 1;
      if (rule.calls >= from && rule.calls < from + (fault.times ?? 1)) return fault.effect;
    }
    return undefined;
  }
}

function injected(code: ErrorCode, operation: FaultyOperation, key: string): AppError {
  return new AppError(code, { message: `injected fault in ${operation} of ${key}`, context: { key, operation } });
}
