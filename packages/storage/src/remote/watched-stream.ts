import { AppError } from "@tidemark/kit";
import { throwIfCancelled } from "../object-errors.ts";

export interface WatchedStream {
  readonly location: string;
  readonly key: string;
  /** How many bytes there must be; a stream that ends early is `storage-failed`, and so is one that goes on. */
  readonly expectedBytes: number | null;
  /** Longest wait for the next chunk; beyond it the stream is given up as `storage-unreachable`. */
  readonly stallMs: number;
  readonly signal: AbortSignal | undefined;
  /** Turns what the stream throws into ours. */
  readonly translate: (error: unknown) => unknown;
}

/** A response's body, watched: it may neither stall nor end early unnoticed. Left early, the connection is closed. */
export async function* watchedStream(
  source: AsyncIterable<Uint8Array> & { destroy?: (error?: Error) => unknown },
  watch: WatchedStream,
): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  let received = 0;
  let whole = false;
  try {
    for (;;) {
      throwIfCancelled(watch.signal);
      const step = await nextWithin(iterator, watch);
      if (step.done === true) break;
      received += step.value.length;
      if (step.value.length > 0) yield step.value;
    }
    whole = true;
    if (watch.expectedBytes !== null && received !== watch.expectedBytes) throw endedEarly(watch, received);
  } catch (error) {
    throw error instanceof AppError ? error : watch.translate(error);
  } finally {
    if (!whole) source.destroy?.();
  }
}

async function nextWithin(
  iterator: AsyncIterator<Uint8Array>,
  watch: WatchedStream,
): Promise<IteratorResult<Uint8Array>> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const interrupted = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(stalled(watch)), watch.stallMs);
    onAbort = () => reject(new AppError("cancelled", { message: "the storage operation was cancelled" }));
    watch.signal?.addEventListener("abort", onAbort, { once: true });
  });
  const next = iterator.next();
  // When the watch wins, the stream is destroyed and its own failure has nobody left to tell.
  next.catch(() => undefined);
  try {
    return await Promise.race([next, interrupted]);
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) watch.signal?.removeEventListener("abort", onAbort);
  }
}

function stalled({ location, key, stallMs }: WatchedStream): AppError {
  return new AppError("storage-unreachable", {
    message: `${key} in ${location}: no byte came for ${Math.round(stallMs / 1000)} s`,
    hint: "nothing was changed; check the network and the store",
    context: { key, location },
  });
}

function endedEarly({ location, key, expectedBytes }: WatchedStream, received: number): AppError {
  return new AppError("storage-failed", {
    message: `${key} in ${location}: ${received} of ${expectedBytes} bytes came`,
    hint: "nothing was changed; the connection broke or the object is not whole",
    context: { key, location, received },
  });
}
