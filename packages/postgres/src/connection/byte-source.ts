import type { OnReadOpts, Socket } from "node:net";
import { AppError } from "@tidemark/kit";
import { abortable } from "./abortable.ts";

/** A socket's bytes, pulled: what is not asked for stays with the sender, because the socket is not read meanwhile. */
export interface ByteSource {
  /**
   * The next bytes, or null when the peer has closed. The array is valid until the next call.
   *
   * @throws AppError `connection-lost` when the socket failed, or whatever `fail` was given.
   */
  read(): Promise<Uint8Array | null>;
  /**
   * Ends the source: a pending and every later `read` rejects; the first error stays. What was read and what still comes
   * is dropped, so that the socket gets to its end.
   */
  fail(error: unknown): void;
}

/**
 * A source whose socket reads into a few buffers of ours. Measured on loopback with Node 24 (2026-11): 1.6 GB/s with
 * half the processor time and half the memory of 'data' events.
 *
 * `onread` must be given to `net.connect`; afterwards the socket must be attached.
 */
export class PooledSource implements ByteSource {
  /** The one given back last is used next: it is in the processor's cache, and others may never be needed. */
  readonly #free: Uint8Array[] = [];
  /** What the socket fills next. */
  #next: Uint8Array | null = null;
  /** What was read and not yet pulled, oldest first; the buffer pulled last counts as taken until the next pull. */
  readonly #filled: Filled[] = [];
  #taken: Uint8Array | null = null;
  #isPaused = false;
  #socket: Socket | null = null;
  readonly #state = new SourceState();

  readonly onread: OnReadOpts = {
    buffer: () => {
      this.#next ??= this.#free.pop() ?? new Uint8Array(bufferBytes);
      return this.#next;
    },
    callback: (length, buffer) => {
      if (this.#state.isFailed) return true;
      this.#filled.push({ buffer, length });
      this.#next = null;
      this.#state.wake();
      this.#isPaused = this.#isFull;
      return !this.#isPaused;
    },
  };

  attach(socket: Socket): void {
    this.#socket = socket;
    this.#state.watch(socket);
  }

  async read(): Promise<Uint8Array | null> {
    if (this.#taken !== null) this.#free.push(this.#taken);
    this.#taken = null;
    for (;;) {
      const filled = this.#filled.shift();
      if (filled !== undefined) {
        this.#taken = filled.buffer;
        this.#resume();
        return filled.buffer.subarray(0, filled.length);
      }
      this.#resume();
      if (!(await this.#state.waitForMore())) return null;
    }
  }

  fail(error: unknown): void {
    this.#state.fail(error);
    this.#filled.length = 0;
    this.#resume();
  }

  /** One buffer is with the reader, one is what the socket would fill next. */
  get #isFull(): boolean {
    return this.#filled.length + (this.#taken === null ? 0 : 1) >= bufferCount - 1;
  }

  #resume(): void {
    if (!this.#isPaused || this.#isFull) return;
    this.#isPaused = false;
    this.#socket?.resume();
  }
}

interface Filled {
  readonly buffer: Uint8Array;
  readonly length: number;
}

/** A source over any readable socket (TLS): paused as soon as it holds more than the reader has taken. */
export class StreamSource implements ByteSource {
  readonly #chunks: Uint8Array[] = [];
  readonly #socket: Socket;
  readonly #state = new SourceState();

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#state.watch(socket);
    socket.on("data", (chunk: Uint8Array) => {
      if (this.#state.isFailed) return;
      this.#chunks.push(chunk);
      this.#state.wake();
      if (this.#chunks.length >= 8) socket.pause();
    });
  }

  async read(): Promise<Uint8Array | null> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) return chunk;
      if (this.#socket.isPaused()) this.#socket.resume();
      if (!(await this.#state.waitForMore())) return null;
    }
  }

  fail(error: unknown): void {
    this.#state.fail(error);
    this.#chunks.length = 0;
    this.#socket.resume();
  }
}

const bufferCount = 4;
const bufferBytes = 256 * 1024;

/** What both sources share: open, ended or failed, and the reader that waits. */
class SourceState {
  #isEnded = false;
  #failure: { readonly error: unknown } | null = null;
  #waiting: (() => void) | null = null;

  watch(socket: Socket): void {
    const end = (): void => {
      this.#isEnded = true;
      this.wake();
    };
    socket.once("end", end);
    socket.once("close", end);
    socket.on("error", (cause) => this.fail(connectionLost(cause)));
  }

  get isFailed(): boolean {
    return this.#failure !== null;
  }

  /** False when there will be no more. */
  async waitForMore(): Promise<boolean> {
    if (this.#failure !== null) throw this.#failure.error;
    if (this.#isEnded) return false;
    await new Promise<void>((resolve) => {
      this.#waiting = resolve;
    });
    return true;
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.wake();
  }

  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.();
  }
}

/** The server closed, or something between us did. */
export function connectionLost(cause?: unknown): AppError {
  const why = cause instanceof Error ? `: ${cause.message}` : "";
  return new AppError("connection-lost", {
    message: `the connection to the server ended unexpectedly${why}`,
    hint: "the server's log tells whether it stopped, crashed or ended the session",
    cause,
  });
}

/** The first bytes a socket that nobody reads yet receives; null at its end. For the one-byte answer to SSLRequest. */
export function readOnce(socket: Socket, signal: AbortSignal): Promise<Uint8Array | null> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | null>();
  const readable = (): void => resolve(socket.read() as Uint8Array | null);
  const ended = (): void => resolve(null);
  const failed = (cause: Error): void => reject(connectionLost(cause));
  socket.once("readable", readable);
  socket.once("close", ended);
  socket.once("error", failed);
  return abortable(promise, signal).finally(() => {
    socket.off("readable", readable);
    socket.off("close", ended);
    socket.off("error", failed);
  });
}
