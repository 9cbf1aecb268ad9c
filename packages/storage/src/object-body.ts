import type { ObjectBody } from "./object-store.ts";

/** The body as chunks, whichever form it has. */
export async function* bodyChunks(body: ObjectBody): AsyncGenerator<Uint8Array, void, undefined> {
  if (body instanceof Uint8Array) yield body;
  else yield* body;
}

/** Whether the body can be sent a second time: bytes can, and iterables that make a new iterator each time. */
export function isRestartable(body: ObjectBody): boolean {
  if (body instanceof Uint8Array) return true;
  return (body[Symbol.asyncIterator]() as unknown) !== body;
}

/** Whether two streams carry the same bytes, however they are cut. Memory: one chunk of each. */
export async function sameBytes(a: AsyncIterable<Uint8Array>, b: AsyncIterable<Uint8Array>): Promise<boolean> {
  const left = a[Symbol.asyncIterator]();
  const right = b[Symbol.asyncIterator]();
  try {
    return await compareStreams(left, right);
  } finally {
    await left.return?.();
    await right.return?.();
  }
}

async function compareStreams(left: AsyncIterator<Uint8Array>, right: AsyncIterator<Uint8Array>): Promise<boolean> {
  let a = await nextFilled(left);
  let b = await nextFilled(right);
  while (a !== null && b !== null) {
    const length = Math.min(a.length, b.length);
    if (Buffer.compare(a.subarray(0, length), b.subarray(0, length)) !== 0) return false;
    a = a.length > length ? a.subarray(length) : await nextFilled(left);
    b = b.length > length ? b.subarray(length) : await nextFilled(right);
  }
  return a === null && b === null;
}

async function nextFilled(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array | null> {
  for (;;) {
    const step = await iterator.next();
    if (step.done === true) return null;
    if (step.value.length > 0) return step.value;
  }
}
