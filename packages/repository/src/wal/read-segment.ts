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
}

/**
 * The plain bytes of a stored segment in blocks, from one request. Each box is checked before anything of it is given out,
 * and the last block waits until the index has confirmed all of them. Throws `wal-damaged`; what the store says passes.
 */
export async function* readSegment(context: RepositoryContext, read: ReadSegment): AsyncGenerator<Uint8Array> {
  const { key, name, kind } = read;
  const object = await WalObjectReader.open(context, key, () => name, read.signal).catch((error: unknown) => {
    throw asWalDamage(key, error);
  });
  try {
    const keys = walHashKeys(context);
    const hash = new WalHash(keys);
    let held: Uint8Array | null = null;
    let block = new Uint8Array(walBlockBytes);
    let at = 0;
    for (;;) {
      const record = await object.next();
      if (record === null) throw walDamaged(key, "it ends before its index");
      if ("end" in record) break;
      if (record.offset !== at) throw walDamaged(key, `it goes on at ${record.offset}, where ${at} is next`);
      const room = block.subarray(at % walBlockBytes);
      const plain = openFrameBoxInto(record.stored, object.seal.part("wal", at), room.length, room);
      if (plain.length === 0) throw walDamaged(key, "there is a box of nothing");
      at += plain.length;
      if (at % walBlockBytes !== 0) continue;
      hash.setLeaf(at / walBlockBytes - 1, walLeaf(keys.leafKey, block));
      if (held !== null) yield held;
      held = block;
      block = new Uint8Array(walBlockBytes);
    }
    const index = await object.index();
    if (index.kind !== kind) throw walDamaged(key, `it is not ${kind} but ${index.kind}`);
    if (index.boxedBytes !== at) throw walDamaged(key, `it has ${at} bytes, ${index.boxedBytes} by its index`);
    if (kind === "whole" && index.plainBytes !== index.place.sizeBytes)
      throw walDamaged(key, "it is not a whole segment");
    if (at % walBlockBytes !== 0) {
      const filled = block.subarray(0, Math.min(walBlockBytes, index.plainBytes - at + (at % walBlockBytes)));
      hash.setLeaf(Math.floor(at / walBlockBytes), walLeaf(keys.leafKey, filled));
    }
    if (Buffer.compare(hash.digest(index.plainBytes), index.plainHash) !== 0)
      throw walDamaged(key, "its hash does not match");
    if (held !== null) yield held;
    const from = at - (at % walBlockBytes);
    for (let start = from; start < index.plainBytes; start += walBlockBytes) {
      const bytes = start === from ? block : new Uint8Array(walBlockBytes);
      yield bytes.subarray(0, Math.min(walBlockBytes, index.plainBytes - start));
    }
  } catch (error) {
    throw asWalDamage(key, error);
  } finally {
    await object.close();
  }
}
