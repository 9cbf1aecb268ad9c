import { AppError } from "@tidemark/kit";
import { ByteReader } from "../bytes/byte-reader.ts";
import { JsonFields } from "../bytes/json-fields.ts";
import { releaseBytes } from "../bytes/release-bytes.ts";
import { magic } from "../format.ts";
import { type RepositoryContext, sealOf } from "../repository-context.ts";
import { damagedObject, decodePrefix, type ObjectSeal, prefixBytes } from "../seal/object-seal.ts";
import { getRange, type ObjectTail, readTail } from "../seal/object-trailer.ts";
import { openBox } from "../seal/sealed-box.ts";
import { headerFromJson, type ManifestHeader } from "./backup-facts.ts";

/** What the first bytes under a manifest's key say: the header, or that the key was claimed and no backup will be here. */
export type ManifestBeginning =
  | { readonly kind: "manifest"; readonly header: ManifestHeader; readonly seal: ObjectSeal; readonly chunksAt: number }
  | { readonly kind: "revoked" };

/** Reads only the header. Throws `manifest-missing` or `manifest-damaged`; newer formats are `repository-format-newer`. */
export async function readManifestBeginning(context: RepositoryContext, key: string): Promise<ManifestBeginning> {
  return asManifestErrors(key, async () => {
    const facts = await context.store.stat(key);
    if (facts === null) throw new AppError("object-missing", { message: `${key} is missing`, context: { key } });
    let bytes = await getRange(context.store, key, 0, Math.min(facts.sizeBytes, firstReadBytes));
    const prefix = decodePrefix(bytes, key);
    if (prefix.magic === magic.revoked) return { kind: "revoked" };
    const seal = sealOf(context, key, prefix, magic.manifest);
    const chunksAt = prefixBytes + prefix.firstBoxBytes;
    if (chunksAt > facts.sizeBytes) throw damagedObject(key, "it ends within its header");
    if (chunksAt > bytes.length) bytes = await getRange(context.store, key, 0, chunksAt);
    const plain = openBox(bytes.subarray(prefixBytes, chunksAt), seal.part("header", 0));
    return { kind: "manifest", header: headerFromJson(JsonFields.parse(plain)), seal, chunksAt };
  });
}

const firstReadBytes = 16 * 1024;

/** A manifest with its index read: tables in memory, chunks fetched one by one. */
export class ManifestObject {
  readonly key: string;
  readonly header: ManifestHeader;
  /** Of the format it was written in. */
  readonly formatVersion: number;
  readonly packIds: readonly string[];
  /** For each of `packIds`, which of its frames are referred to; null in version 1, which does not say. */
  readonly frameUse: readonly Uint8Array[] | null;
  readonly #context: RepositoryContext;
  readonly #seal: ObjectSeal;
  readonly #chunks: readonly { readonly offset: number; readonly storedBytes: number; readonly plainBytes: number }[];

  private constructor(
    context: RepositoryContext,
    key: string,
    beginning: ManifestBeginning & { kind: "manifest" },
    tail: ObjectTail,
  ) {
    const index = new ByteReader(tail.lastBox);
    this.#context = context;
    this.key = key;
    this.header = beginning.header;
    this.#seal = beginning.seal;
    this.formatVersion = tail.trailer.formatVersion;
    const frameUse: Uint8Array[] = [];
    this.packIds = readList(index, () => {
      const packId = Buffer.from(index.sized()).toString("latin1");
      if (this.formatVersion >= 2) frameUse.push(index.sized());
      return packId;
    });
    this.frameUse = this.formatVersion >= 2 ? frameUse : null;
    let offset = beginning.chunksAt;
    this.#chunks = readList(index, () => {
      const chunk = { offset, storedBytes: index.varint(), plainBytes: index.varint() };
      offset += chunk.storedBytes;
      return chunk;
    });
  }

  /** Throws `manifest-missing` (a revoked key included) or `manifest-damaged`. */
  static async open(context: RepositoryContext, key: string): Promise<ManifestObject> {
    const beginning = await readManifestBeginning(context, key);
    if (beginning.kind === "revoked") throw manifestMissing(key);
    return asManifestErrors(key, async () => {
      const tail = await readTail(context, key, magic.manifestEnd, "index");
      if (!Buffer.from(tail.trailer.salt).equals(beginning.seal.facts.salt)) {
        throw damagedObject(key, "its two ends belong to different manifests");
      }
      return new ManifestObject(context, key, beginning, tail);
    });
  }

  get chunkCount(): number {
    return this.#chunks.length;
  }

  /** The plain records of one chunk, in a buffer of their own that the caller may release. */
  async chunk(number: number): Promise<Uint8Array> {
    const place = this.#chunks[number];
    if (place === undefined) throw damaged(this.key, `chunk ${number} is beyond its index`);
    return asManifestErrors(this.key, async () => {
      const stored = await getRange(this.#context.store, this.key, place.offset, place.storedBytes);
      const plain = openBox(stored, this.#seal.part("chunk", number));
      releaseBytes(stored);
      if (plain.length !== place.plainBytes) throw damagedObject(this.key, `chunk ${number} has another length`);
      return plain;
    });
  }
}

function readList<T>(reader: ByteReader, read: () => T): T[] {
  const count = reader.varint();
  const items: T[] = [];
  for (let index = 0; index < count; index++) items.push(read());
  return items;
}

/** Damage of whatever kind is `manifest-damaged`; "could not ask" passes. */
export async function asManifestErrors<T>(key: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw asManifestError(key, error);
  }
}

/** The same for what was thrown. */
export function asManifestError(key: string, error: unknown): unknown {
  if (error instanceof AppError && error.code === "object-missing") return manifestMissing(key, error);
  if (error instanceof AppError && error.code !== "object-damaged") return error;
  return damaged(key, error instanceof Error ? error.message : String(error), error);
}

/** Whether this says that a manifest is gone or cannot be read, rather than that nobody could ask. */
export function isLostManifest(error: unknown): error is AppError {
  return error instanceof AppError && (error.code === "manifest-missing" || error.code === "manifest-damaged");
}

function damaged(key: string, why: string, cause?: unknown): AppError {
  return new AppError("manifest-damaged", {
    message: `the manifest ${key} is damaged: ${why}`,
    hint: "other backups do not depend on this manifest; copy it back from a copy of the repository, or take a new backup",
    context: { key },
    cause,
  });
}

function manifestMissing(key: string, cause?: unknown): AppError {
  return new AppError("manifest-missing", {
    message: `there is no backup ${key}`,
    hint: "it was deleted or never finished",
    context: { key },
    cause,
  });
}
