import { AppError } from "@tidemark/kit";
import { bodyChunks, isRestartable, sameBytes } from "./object-body.ts";
import type {
  AppendableObject,
  AppendOptions,
  GetOptions,
  ListOptions,
  ObjectBody,
  ObjectFacts,
  ObjectStore,
  PutOptions,
  StoreCapabilities,
} from "./object-store.ts";
import { type RetryOptions, RetryPacer } from "./remote/retry-passing.ts";
import { StoreWrapper } from "./store-wrapper.ts";

/**
 * Repeats what failed for a passing reason (`storage-unreachable`, `storage-throttled`, `storage-failed`). A full or refusing store is not
 * asked again: waiting would only hide it.
 *
 * A `put` whose answer was lost may have taken effect, and the next try then meets its own object: it is compared byte
 * for byte, and equal bytes count as success.
 */
export class RetryingStore extends StoreWrapper {
  readonly #pacer: RetryPacer;

  constructor(inner: ObjectStore, options: RetryOptions = {}) {
    super(inner);
    this.#pacer = new RetryPacer(options);
  }

  override put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<{ readonly sizeBytes: number }> {
    if (!isRestartable(body)) return this.inner.put(key, body, options);
    return this.#pacer.run(options.signal, async (attempt) => {
      try {
        return await this.inner.put(key, body, options);
      } catch (error) {
        const exists = error instanceof AppError && error.code === "object-exists";
        if (!exists || attempt === 1) throw error;
        return await this.#takeAsOwn(key, body, error);
      }
    });
  }

  async #takeAsOwn(key: string, body: ObjectBody, exists: AppError): Promise<{ readonly sizeBytes: number }> {
    if (!(await sameBytes(this.inner.read(key), bodyChunks(body)))) throw exists;
    const facts = await this.inner.stat(key);
    if (facts === null) throw exists;
    return { sizeBytes: facts.sizeBytes };
  }

  override get(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    return this.#pacer.run(options.signal, () => this.inner.get(key, options));
  }

  /** A stream that broke is opened again and skipped to where it was. */
  override async *read(key: string, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array> {
    let delivered = 0;
    for (let attempt = 1; ; attempt++) {
      let toSkip = delivered;
      try {
        for await (const chunk of this.inner.read(key, options)) {
          const skipped = Math.min(toSkip, chunk.length);
          toSkip -= skipped;
          if (skipped === chunk.length) continue;
          delivered += chunk.length - skipped;
          yield chunk.subarray(skipped);
        }
        return;
      } catch (error) {
        await this.#pacer.pauseOrThrow(error, attempt, options.signal);
      }
    }
  }

  fileOf(key: string): string | null {
    return this.inner.fileOf?.(key) ?? null;
  }

  override stat(key: string): Promise<ObjectFacts | null> {
    return this.#pacer.run(undefined, () => this.inner.stat(key));
  }

  /** Keys come in order, so a broken listing goes on behind the last one. */
  override async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectFacts> {
    let last = options.after ?? "";
    for (let attempt = 1; ; attempt++) {
      try {
        for await (const facts of this.inner.list(prefix, last === "" ? options : { ...options, after: last })) {
          if (facts.key <= last) continue;
          last = facts.key;
          yield facts;
        }
        return;
      } catch (error) {
        await this.#pacer.pauseOrThrow(error, attempt, options.signal);
      }
    }
  }

  override listPrefixes(prefix: string): Promise<readonly string[]> {
    return this.#pacer.run(undefined, () => this.inner.listPrefixes(prefix));
  }

  /** Only its beginning is repeated: of an append that failed nobody knows how much is there. */
  override beginAppend(options: AppendOptions = {}): Promise<AppendableObject | null> {
    return this.#pacer.run(options.signal, () => super.beginAppend(options));
  }

  override settle(key: string): Promise<void> {
    return this.#pacer.run(undefined, () => super.settle(key));
  }

  override createsExclusively(): Promise<boolean> {
    return this.#pacer.run(undefined, () => this.inner.createsExclusively());
  }

  override delete(key: string): Promise<void> {
    return this.#pacer.run(undefined, () => this.inner.delete(key));
  }

  override isEmpty(): Promise<boolean> {
    return this.#pacer.run(undefined, () => this.inner.isEmpty());
  }

  override probe(): Promise<StoreCapabilities> {
    return this.#pacer.run(undefined, () => this.inner.probe());
  }

  override space(): Promise<{ readonly freeBytes: bigint; readonly totalBytes: bigint } | null> {
    return this.#pacer.run(undefined, () => this.inner.space());
  }
}
