import { walBlockBytes } from "../format.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { openFrameBoxInto } from "../seal/sealed-box.ts";
import { walLeaf } from "./seal-wal-block.ts";
import type { WalSegmentKind } from "./segment-facts.ts";
import { WalObjectReader } from "./segment-object.ts";
import { asWalDamage, walDamaged } from "./wal-errors.ts";
import { WalHash, walHashKeys } from "./wal-hash.ts";

export interface ReadSegment {
  readonly key: string;
  /** What it is sealed for. */
  readonly name: string;
  readonly kind: WalSegmentKind;
  readonly signal?: AbortSignal | undefined;
  /** What is given out is valid until more is asked for: it lies in buffers that go round. */
  readonly lends: boolean;
}

/**
 * The plain bytes of a stored segment, some blocks at a time, from one request. Each box is checked before anything of it is given out,
 * and the last of them wait until the index has confirmed all of them. Throws `wal-damaged`; what the store says passes.
 */
export async function* readSegment(context: RepositoryContext, read: ReadSegment): AsyncGenerator<Uint8Array> {
  const { key, name, kind } = read;
  const object = await WalObjectReader.open(context, key, () => name, read.signal).catch((error: unknown) => {
    throw asWalDamage(key, error);
  });
  try {
    const keys = walHashKeys(context);
    const hash = new WalHash(keys);
    let [held, window]: [Uint8Array | null, Uint8Array] = [null, new Uint8Array(windowBytes)];
    let at = 0;
    for (;;) {
      const record = await object.next();
      if (record === null) throw walDamaged(key, "it ends before its index");
      if ("end" in record) break;
      if (record.offset !== at) throw walDamaged(key, `it goes on at ${record.offset}, where ${at} is next`);
      const within = at % windowBytes;
      const room = window.subarray(within, within + walBlockBytes - (at % walBlockBytes));
      const plain = openFrameBoxInto(record.stored, object.seal.part("wal", at), room.length, room);
      if (plain.length === 0) throw walDamaged(key, "there is a box of nothing");
      // One that is stored as it is stays where it was read.
      if (plain.buffer !== room.buffer) room.set(plain);
      at += plain.length;
      if (at % walBlockBytes !== 0) continue;
      const blockAt = (at - walBlockBytes) % windowBytes;
      const block = window.subarray(blockAt, blockAt + walBlockBytes);
      hash.setLeaf(at / walBlockBytes - 1, walLeaf(keys.leafKey, block));
      if (at % windowBytes !== 0) continue;
      const given = held;
      if (given !== null) yield given;
      held = window;
      window = given !== null && read.lends ? given : new Uint8Array(windowBytes);
    }
    window.fill(0, at % windowBytes);
    const index = await object.index();
    if (index.kind !== kind) throw walDamaged(key, `it is not ${kind} but ${index.kind}`);
    if (index.boxedBytes !== at) throw walDamaged(key, `it has ${at} bytes, ${index.boxedBytes} by its index`);
    if (kind === "whole" && index.plainBytes !== index.place.sizeBytes)
      throw walDamaged(key, "it is not a whole segment");
    if (at % walBlockBytes !== 0) {
      const blockStart = at - (at % walBlockBytes);
      const blockAt = blockStart % windowBytes;
      const filled = window.subarray(blockAt, blockAt + Math.min(walBlockBytes, index.plainBytes - blockStart));
      hash.setLeaf(blockStart / walBlockBytes, walLeaf(keys.leafKey, filled));
    }
    if (Buffer.compare(hash.digest(index.plainBytes), index.plainHash) !== 0)
      throw walDamaged(key, "its hash does not match");
    if (held !== null) yield held;
    const from = at - (at % windowBytes);
    for (let start = from; start < index.plainBytes; start += windowBytes) {
      const bytes = start === from ? window : new Uint8Array(windowBytes);
      yield bytes.subarray(0, Math.min(windowBytes, index.plainBytes - start));
    }
  } catch (error) {
    throw asWalDamage(key, error);
  } finally {
    await object.close();
  }
}

/** Eight blocks: what reads and writes them goes to the system sixteen times for a segment, not 128 times. */
const windowBytes = 8 * walBlockBytes;
