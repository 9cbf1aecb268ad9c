import { hkdfSync } from "node:crypto";
import { AppError } from "@tidemark/kit";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { formatVersion, guardVersion, isWalMagic, type Magic, type PartKind } from "../format.ts";
import type { FrameSealing, PartSeals } from "../types.ts";
import type { GuardKeys } from "./guard-key.ts";
import { partSealing } from "./part-sealing.ts";

/** What the objects of an encrypted repository are sealed with. */
export interface Keyring {
  /** Id of the data key that a new object of this name is sealed with. Throws `repository-key-scope` when there is none for it. */
  keyIdFor(name: string): string;
  /**
   * What the key of an object is made from: the data key it names or, for WAL of version 3, the WAL key made of that.
   * Throws `object-damaged` where no opened slot holds the data key, `repository-key-scope` and `wal-key-missing` where the
   * opened slots hold keys of WAL alone.
   */
  secretFor(name: string, facts: Pick<SealFacts, "keyId" | "formatVersion">): Uint8Array;
}

/** What the first bytes of an object say about how it is sealed. */
export interface SealFacts {
  /** Empty when not encrypted. */
  readonly keyId: string;
  /** 16 random bytes, new for each object: no two objects share a key, whatever they are called. */
  readonly salt: Uint8Array;
  /** Of the object; its guards go by it. */
  readonly formatVersion: number;
}

/** What the seals of one repository are made from. */
export interface SealKeys {
  readonly repositoryId: string;
  /** Null: not encrypted. */
  readonly keyring: Keyring | null;
  /** Null: encrypted. */
  readonly guardKeys: GuardKeys | null;
}

/** Gives the key, nonce and additional data of each part of one object. */
export class ObjectSeal {
  readonly facts: SealFacts;
  /** For threads, which make the sealing of each part themselves. */
  readonly parts: PartSeals;

  /** `name` is the object's key in the store; sealed parts open only under the name they were made for. */
  constructor({ repositoryId, keyring, guardKeys }: SealKeys, name: string, facts: SealFacts) {
    const { keyId, salt, formatVersion: version } = facts;
    this.facts = { keyId, salt, formatVersion: version };
    const key = deriveObjectKey(repositoryId, name, facts, keyring);
    // "1" whatever the version of the object: a part's place was never to change with the format.
    const place = `tidemark/1 ${repositoryId} ${name} ${Buffer.from(facts.salt).toString("hex")}`;
    if (key !== null || guardKeys === null) this.parts = { key, place };
    else if (version >= guardVersion) this.parts = { key, place, guardKey: guardKeys.boxes };
    else this.parts = { key, place, walGuardKey: guardKeys.olderWal };
  }

  part(kind: PartKind, number: number): FrameSealing {
    return partSealing(this.parts, kind, number);
  }
}

function deriveObjectKey(
  repositoryId: string,
  name: string,
  facts: SealFacts,
  keyring: Keyring | null,
): Uint8Array | null {
  if (keyring === null) {
    if (facts.keyId === "") return null;
    throw new AppError("object-damaged", {
      message: `${name} says it is encrypted, in a repository that is not`,
      context: { key: name },
    });
  }
  const secret = keyring.secretFor(name, facts);
  const purpose = Buffer.from(`tidemark object key\0${repositoryId}\0${name}`, "latin1");
  return new Uint8Array(hkdfSync("sha256", secret, facts.salt, purpose, 32));
}

export const prefixBytes = 64;

/** The first 64 bytes of every binary object. `firstBoxBytes` is the stored length of the box that follows, or 0. */
export function encodePrefix(magic: Magic, facts: SealFacts, firstBoxBytes: number): Uint8Array {
  return new ByteWriter(prefixBytes)
    .fixedText(magic, 8)
    .u16(facts.formatVersion)
    .u16(facts.keyId === "" ? 0 : 1)
    .u32(firstBoxBytes)
    .fixedText(facts.keyId, 32)
    .bytes(facts.salt)
    .take();
}

export interface Prefix extends SealFacts {
  readonly magic: string;
  readonly firstBoxBytes: number;
}

/** Throws `repository-format-newer` for a later version and `object-damaged` for what is no prefix. */
export function decodePrefix(bytes: Uint8Array, key: string): Prefix {
  try {
    return readPrefix(bytes, key);
  } catch (error) {
    throw error instanceof AppError ? error : damagedObject(key, "its first bytes are no prefix", error);
  }
}

function readPrefix(bytes: Uint8Array, key: string): Prefix {
  if (bytes.length < prefixBytes) throw damagedObject(key, "it is too short");
  const reader = new ByteReader(bytes);
  const magic = reader.fixedText(8);
  const version = reader.u16();
  if (!magic.startsWith("TIDE")) throw damagedObject(key, "it does not begin as an object of ours");
  const flags = reader.u16();
  const firstBoxBytes = reader.u32();
  const keyId = reader.fixedText(32);
  const salt = new Uint8Array(reader.bytes(16));
  assertVersion({ version, keyId, magic }, key);
  if (flags !== (keyId === "" ? 0 : 1)) throw damagedObject(key, "it contradicts itself about encryption");
  return { magic, firstBoxBytes, keyId, salt, formatVersion: version };
}

/** Throws `repository-format-newer` or, for a version that no such object can have, `object-damaged`. */
export function assertVersion(
  { version, keyId, magic }: { readonly version: number; readonly keyId: string; readonly magic: string },
  key: string,
): void {
  if (version > formatVersion) throw newerObject(key, version);
  if (version === 0) throw damagedObject(key, "there is no format version 0");
  if (version >= guardVersion && keyId !== "" && !isWalMagic(magic)) {
    throw damagedObject(key, `it says it is encrypted, which nothing of format version ${version} is but WAL`);
  }
}

export function damagedObject(key: string, why: string, cause?: unknown): AppError {
  return new AppError("object-damaged", { message: `${key} is damaged: ${why}`, context: { key }, cause });
}

export function newerObject(key: string, version: number): AppError {
  return new AppError("repository-format-newer", {
    message: `${key} is of format ${version}; this Tidemark reads up to ${formatVersion}`,
    hint: "use the newer Tidemark that wrote it; nothing was changed",
    context: { key, version },
  });
}
