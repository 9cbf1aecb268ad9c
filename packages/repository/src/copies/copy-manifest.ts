import { AppError, joinCleanup } from "@tidemark/kit";
import { manifestKeyTaken } from "../backup/revocation.ts";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { copiedVersion, magic } from "../format.ts";
import { asManifestErrors, ManifestObject, readManifestBeginning } from "../manifests/manifest-object.ts";
import { manifestKey } from "../paths.ts";
import { newSeal, type RepositoryContext } from "../repository-context.ts";
import { damagedObject, encodePrefix, type ObjectSeal, prefixBytes } from "../seal/object-seal.ts";
import { encodeTrailer, getRange, type ObjectTail, readTail } from "../seal/object-trailer.ts";
import { resealBox, sealBox } from "../seal/sealed-box.ts";
import { notKept } from "./copy-pack.ts";

/**
 * Puts the manifest of a backup into another repository: header and chunks sealed anew as they are, the index with their
 * new lengths; every record is the same. It is read back afterwards, and removed when it is not what was sent. From then
 * on the backup exists there: all its packs have to be there before. Throws `object-exists` when it is there already,
 * `backup-revoked` when its key was claimed.
 */
export async function copyManifest(
  source: RepositoryContext,
  target: RepositoryContext,
  serverId: string,
  backupId: string,
  signal?: AbortSignal,
): Promise<void> {
  const key = manifestKey(serverId, backupId);
  const body = await openSource(source, target, key, signal);
  await target.step("copy:before-manifest");
  try {
    await target.store.put(key, body, signal === undefined ? {} : { signal });
  } catch (error) {
    if (!(error instanceof AppError && error.code === "object-exists")) throw error;
    throw await manifestKeyTaken(target, key, error);
  }
  try {
    await target.step("copy:before-manifest-check");
    await checkManifest(target, key);
  } catch (error) {
    if (!(error instanceof AppError) || !["manifest-damaged", "manifest-missing"].includes(error.code)) throw error;
    throw await joinCleanup(notKept(target, key, error), () => target.store.delete(key));
  }
  await target.step("copy:after-manifest");
}

/** Opens every part of a manifest. Throws `manifest-missing` or `manifest-damaged`. */
export async function checkManifest(context: RepositoryContext, key: string): Promise<void> {
  const manifest = await ManifestObject.open(context, key);
  for (let number = 0; number < manifest.chunkCount; number++) await manifest.chunk(number);
}

async function openSource(
  source: RepositoryContext,
  target: RepositoryContext,
  key: string,
  signal: AbortSignal | undefined,
): Promise<AsyncIterable<Uint8Array>> {
  const beginning = await readManifestBeginning(source, key);
  if (beginning.kind === "revoked") {
    throw new AppError("manifest-missing", { message: `there is no backup ${key} in ${source.store.location}` });
  }
  return asManifestErrors(key, async () => {
    const tail = await readTail(source, key, magic.manifestEnd, "index", signal);
    if (!Buffer.from(tail.trailer.salt).equals(beginning.seal.facts.salt)) {
      throw damagedObject(key, "its two ends belong to different manifests");
    }
    const index = readIndex(tail);
    const headerBytes = beginning.chunksAt - prefixBytes;
    const header = await getRange(source.store, key, prefixBytes, headerBytes, signal);
    const seal = newSeal(target, key, copiedVersion(tail.trailer.formatVersion, target.keyring !== null));
    const parts = { header, chunksAt: beginning.chunksAt, index, from: beginning.seal, seal };
    return resealed(source, key, parts, signal);
  });
}

interface ManifestParts {
  readonly header: Uint8Array;
  readonly chunksAt: number;
  readonly index: ManifestIndex;
  readonly from: ObjectSeal;
  readonly seal: ObjectSeal;
}

interface ManifestIndex {
  /** The table of packs, as it stands in the index. */
  readonly packTable: Uint8Array;
  readonly chunks: readonly { readonly storedBytes: number; readonly plainBytes: number }[];
}

function readIndex({ lastBox, trailer }: ObjectTail): ManifestIndex {
  const reader = new ByteReader(lastBox);
  for (let count = reader.varint(); count > 0; count--) {
    reader.sized();
    if (trailer.formatVersion >= 2) reader.sized();
  }
  const packTable = lastBox.subarray(0, reader.at);
  const count = reader.varint();
  const chunks = Array.from({ length: count }, () => ({ storedBytes: reader.varint(), plainBytes: reader.varint() }));
  return { packTable, chunks };
}

/** Chunk by chunk; can be sent again from the beginning. */
function resealed(
  source: RepositoryContext,
  key: string,
  parts: ManifestParts,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  const { header, chunksAt, index, from, seal } = parts;
  const reseal = (stored: Uint8Array, kind: "header" | "chunk", number: number): Promise<Uint8Array> =>
    asManifestErrors(key, async () => resealBox(stored, from.part(kind, number), seal.part(kind, number)));
  return {
    async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
      const head = await reseal(header, "header", 0);
      yield encodePrefix(magic.manifest, seal.facts, head.length);
      yield head;
      const table = new ByteWriter(64 * 1024).bytes(index.packTable).varint(index.chunks.length);
      let at = chunksAt;
      let offset = prefixBytes + head.length;
      for (const [number, chunk] of index.chunks.entries()) {
        const box = await reseal(await getRange(source.store, key, at, chunk.storedBytes, signal), "chunk", number);
        table.varint(box.length).varint(chunk.plainBytes);
        at += chunk.storedBytes;
        offset += box.length;
        yield box;
      }
      const last = sealBox(table.take(), seal.part("index", 0));
      const trailer = { ...seal.facts, lastBoxOffset: offset, lastBoxBytes: last.length, count: index.chunks.length };
      yield last;
      yield encodeTrailer(magic.manifestEnd, trailer);
    },
  };
}
