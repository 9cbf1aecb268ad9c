import { type Clock, systemClock } from "@tidemark/kit";
import { bodyChunks, isRestartable } from "./object-body.ts";
import type {
  AppendableObject,
  AppendOptions,
  GetOptions,
  ObjectBody,
  ObjectStore,
  PutOptions,
} from "./object-store.ts";
import { type Pause, realPause } from "./pause.ts";
import { passAppendable, StoreWrapper } from "./store-wrapper.ts";

export interface ThrottleOptions {
  readonly writeBytesPerSecond?: number;
  readonly readBytesPerSecond?: number;
  readonly clock?: Clock;
  readonly pause?: Pause;
}

/** Keeps the bytes written and read below a rate each, shared by all concurrent operations. */
export class ThrottledStore extends StoreWrapper {
  readonly #writes: Rate;
  readonly #reads: Rate;

  constructor(inner: ObjectStore, options: ThrottleOptions) {
    super(inner);
    const clock = options.clock ?? systemClock;
    const pause = options.pause ?? realPause;
    this.#writes = new Rate(options.writeBytesPerSecond, clock, pause);
    this.#reads = new Rate(options.readBytesPerSecond, clock, pause);
  }

  override put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<{ readonly sizeBytes: number }> {
    const paced = (): AsyncGenerator<Uint8Array> => this.#pace(body, options.signal);
    // The restartable form is kept, so that a retry around us still works.
    const wrapped = isRestartable(body) ? { [Symbol.asyncIterator]: paced } : paced();
    return this.inner.put(key, wrapped, options);
  }

  async *#pace(body: ObjectBody, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    for await (const chunk of bodyChunks(body)) {
      for (let at = 0; at < chunk.length; at += sliceBytes) {
        const slice = chunk.subarray(at, at + sliceBytes);
        await this.#writes.take(slice.length, signal);
        yield slice;
      }
    }
  }

  override async beginAppend(options: AppendOptions = {}): Promise<AppendableObject | null> {
    const object = await super.beginAppend(options);
    if (object === null) return null;
    const append = async (chunks: readonly Uint8Array[]): Promise<void> => {
      for (const { length } of chunks) await this.#writes.take(length, options.signal);
      await object.append(chunks);
    };
    return Object.assign(passAppendable(object), { append });
  }

  override async get(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    const bytes = await this.inner.get(key, options);
    await this.#reads.take(bytes.length, options.signal);
    return bytes;
  }

  override async *read(key: string, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.inner.read(key, options)) {
      await this.#reads.take(chunk.length, options.signal);
      yield chunk;
    }
  }
}

/** Large bodies are handed on in slices, so that the rate is kept within one too. */
const sliceBytes = 256 * 1024;

class Rate {
  readonly #bytesPerSecond: number | undefined;
  readonly #clock: Clock;
  readonly #pause: Pause;
  /** When what was let through so far is paid for, in monotonic ms. */
  #paidUntilMs = 0;

  constructor(bytesPerSecond: number | undefined, clock: Clock, pause: Pause) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
    this.#pause = pause;
  }

  async take(sizeBytes: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#bytesPerSecond === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    const startsMs = Math.max(this.#paidUntilMs, nowMs);
    this.#paidUntilMs = startsMs + (sizeBytes / this.#bytesPerSecond) * 1000;
    if (startsMs > nowMs) await this.#pause(startsMs - nowMs, signal);
  }
}
