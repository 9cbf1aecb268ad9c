import { bodyChunks } from "../object-body.ts";
import { throwIfCancelled } from "../object-errors.ts";
import type { ObjectBody } from "../object-store.ts";

/**
 * Cuts a body into parts of exactly `partBytes(n)` (n from 1), the last one shorter; none at all for an empty body. Each
 * part is a buffer of its own. Memory: one part and one chunk.
 */
export async function* bodyParts(
  body: ObjectBody,
  partBytes: (part: number) => number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void, undefined> {
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  let part = 1;
  for await (const chunk of bodyChunks(body)) {
    throwIfCancelled(signal);
    for (let rest = chunk; rest.length > 0; ) {
      const taken = rest.subarray(0, partBytes(part) - gatheredBytes);
      gathered.push(taken);
      gatheredBytes += taken.length;
      rest = rest.subarray(taken.length);
      if (gatheredBytes < partBytes(part)) continue;
      yield Buffer.concat(gathered);
      gathered = [];
      gatheredBytes = 0;
      part++;
    }
  }
  throwIfCancelled(signal);
  if (gatheredBytes > 0) yield Buffer.concat(gathered);
}

/** The first part and whether more follow: what fits one request is sent in one. */
export async function firstPart(
  parts: AsyncGenerator<Buffer, void, undefined>,
): Promise<{ readonly first: Buffer; readonly second: Buffer | null }> {
  const first = await parts.next();
  if (first.done === true) return { first: Buffer.alloc(0), second: null };
  const second = await parts.next();
  return { first: first.value, second: second.done === true ? null : second.value };
}

/** Runs `send` over the parts with at most `width` at a time; the first failure stops it after those on their way ended. */
export async function sendParts(
  parts: AsyncIterable<Buffer>,
  width: number,
  send: (part: Buffer, number: number) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | null = null;
  let number = 0;
  try {
    for await (const part of parts) {
      number++;
      const sending: Promise<void> = send(part, number)
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => running.delete(sending));
      running.add(sending);
      if (running.size >= width) await Promise.race(running);
      if (failure !== null) break;
    }
  } finally {
    await Promise.all(running);
  }
  throwFailure(failure);
}

function throwFailure(failure: { readonly error: unknown } | null): void {
  if (failure !== null) throw failure.error;
}
