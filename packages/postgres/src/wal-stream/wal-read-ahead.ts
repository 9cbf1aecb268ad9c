import type { Lsn } from "../files/lsn.ts";
import type { WalMessage } from "./wal-messages.ts";
import type { WalStreamEvent } from "./wal-stream-events.ts";

/**
 * What was received and not yet pulled, in order: data in a few buffers of ours, put together where they adjoin, and at
 * most one keepalive behind them. So a busy consumer costs at most `chunkCount` × `chunkBytes`, and messages behind the
 * data are seen while there is room.
 */
export class WalReadAhead {
  /** Made when they are needed: a consumer that takes what comes at once needs none. */
  readonly #free: Uint8Array[] = [];
  #made = 0;
  readonly #queue: Waiting[] = [];
  /** The buffer of the event pulled last. */
  #taken: Uint8Array | null = null;
  #whenRoom: (() => void) | null = null;
  #whenFilled: (() => void) | null = null;
  #isDiscarding = false;
  #ended: { readonly error: unknown } | "done" | null = null;

  /** The consumer waits for the next event, and nothing is due before. */
  get isAwaited(): boolean {
    return this.#whenFilled !== null && this.#queue.length === 0 && this.#ended === null && !this.#isDiscarding;
  }

  /** Takes a copy; waits while there is no room. */
  async add(message: WalMessage): Promise<void> {
    if (this.#isDiscarding) return;
    if (message.kind === "keepalive") {
      if (this.#queue.at(-1)?.kind === "keepalive") {
        const before = this.#queue.pop() as WalMessage & { readonly kind: "keepalive" };
        this.#queue.push({ ...message, replyRequested: message.replyRequested || before.replyRequested });
      } else this.#queue.push(message);
      this.#wakeConsumer();
      return;
    }
    let { bytes, startLsn } = message;
    while (bytes.length > 0) {
      const open = this.#openChunk();
      const buffer = open?.buffer ?? (await this.#freeBuffer());
      if (buffer === null) return;
      // Nothing is awaited from here on: a chunk is never seen before it has bytes, nor filled once it was taken.
      const length = open?.length ?? 0;
      const part = bytes.subarray(0, chunkBytes - length);
      buffer.set(part, length);
      const { serverLsn, sentAt } = message;
      if (open === null) {
        this.#queue.push({ kind: "chunk", buffer, length: part.length, startLsn, serverLsn, sentAt });
      } else {
        open.length += part.length;
        open.serverLsn = serverLsn;
        open.sentAt = sentAt;
      }
      bytes = bytes.subarray(part.length);
      startLsn = (startLsn + BigInt(part.length)) as Lsn;
      this.#wakeConsumer();
    }
  }

  /** Adds the last event. */
  end(event?: WalStreamEvent & { readonly kind: "timeline-end" }): void {
    if (event !== undefined) this.#queue.push(event);
    this.#ended ??= "done";
    this.#wakeConsumer();
    this.#whenRoom?.();
  }

  /** What was received before is still given out; then the error is thrown. */
  fail(error: unknown): void {
    this.#ended ??= { error };
    this.#wakeConsumer();
    this.#whenRoom?.();
  }

  /** Drops what waits and what still comes. */
  discard(): void {
    this.#isDiscarding = true;
    for (const waiting of this.#queue.splice(0)) if (waiting.kind === "chunk") this.#free.push(waiting.buffer);
    this.#whenRoom?.();
  }

  /** The next event; null at the end. */
  async next(): Promise<WalStreamEvent | null> {
    this.#giveBack();
    for (;;) {
      const first = this.#queue.shift();
      if (first !== undefined) return this.#eventOf(first);
      if (this.#ended === "done") return null;
      if (this.#ended !== null) throw this.#ended.error;
      await new Promise<void>((resolve) => {
        this.#whenFilled = resolve;
      });
    }
  }

  #eventOf(first: Waiting): WalStreamEvent {
    if (first.kind !== "chunk") return first;
    this.#taken = first.buffer;
    const { startLsn, serverLsn, sentAt } = first;
    return { kind: "data", startLsn, serverLsn, sentAt, bytes: first.buffer.subarray(0, first.length) };
  }

  #giveBack(): void {
    if (this.#taken === null) return;
    this.#free.push(this.#taken);
    this.#taken = null;
    this.#whenRoom?.();
  }

  /** The last chunk, when nothing came after it and it has room. */
  #openChunk(): Chunk | null {
    const last = this.#queue.at(-1);
    return last?.kind === "chunk" && last.length < chunkBytes ? last : null;
  }

  /** Null: nobody wants it any more. */
  async #freeBuffer(): Promise<Uint8Array | null> {
    for (;;) {
      if (this.#ended !== null || this.#isDiscarding) return null;
      const buffer = this.#free.pop();
      if (buffer !== undefined) return buffer;
      if (this.#made < chunkCount) {
        this.#made++;
        return new Uint8Array(chunkBytes);
      }
      await new Promise<void>((resolve) => {
        this.#whenRoom = resolve;
      });
      this.#whenRoom = null;
    }
  }

  #wakeConsumer(): void {
    const wake = this.#whenFilled;
    this.#whenFilled = null;
    wake?.();
  }
}

interface Chunk {
  readonly kind: "chunk";
  readonly buffer: Uint8Array;
  length: number;
  readonly startLsn: Lsn;
  serverLsn: Lsn;
  sentAt: Date;
}

type Waiting = Chunk | Exclude<WalStreamEvent, { kind: "data" }>;

/** One with the consumer, one being filled, two full. What the server sends at once (MAX_SEND_SIZE). */
const chunkCount = 4;
const chunkBytes = 128 * 1024;
