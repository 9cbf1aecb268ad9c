import { hkdfSync } from "node:crypto";

/** What boxes without encryption are guarded with (docs/repository-format.md, "Boxes"). None of them is a secret. */
export interface GuardKeys {
  /** Of all boxes in objects of version 3. */
  readonly boxes: Uint8Array;
  /** Of the boxes of WAL in objects of version 2. */
  readonly olderWal: Uint8Array;
}

export function guardKeysOf(repositoryId: string, fingerprintSeed: Uint8Array): GuardKeys {
  const id = Buffer.from(repositoryId, "latin1");
  // Of the id alone: a backup can be checked wherever that is known, though the seed in `tidemark.json` be lost.
  const boxes = new Uint8Array(hkdfSync("sha256", id, new Uint8Array(0), "tidemark guard", 32));
  return { boxes, olderWal: walKeys(repositoryId, fingerprintSeed).slice(64) };
}

/** What the bytes of WAL are hashed with (docs/repository-format.md §10): the same for a whole repository. */
export interface WalHashKeys {
  readonly leafKey: Uint8Array;
  readonly rootKey: Uint8Array;
}

/** Of the 64 bytes that tell the same WAL from other WAL; a key slot for WAL alone holds them in the seed's place. */
export function walHashKeysOf(bytes: Uint8Array): WalHashKeys {
  return { leafKey: bytes.slice(0, 32), rootKey: bytes.slice(32, 64) };
}

export function deriveWalHashKeys(repositoryId: string, fingerprintSeed: Uint8Array): Uint8Array {
  return walKeys(repositoryId, fingerprintSeed).slice(0, 64);
}

/** 96 bytes: 64 for the hashes of WAL (§10 there), 32 for the guards it had in version 2. */
function walKeys(repositoryId: string, fingerprintSeed: Uint8Array): Uint8Array {
  const purpose = Buffer.from(`tidemark wal hash\0${repositoryId}`, "latin1");
  return new Uint8Array(hkdfSync("sha256", fingerprintSeed, new Uint8Array(0), purpose, 96));
}
