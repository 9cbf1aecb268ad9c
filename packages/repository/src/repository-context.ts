import type { Clock, IdKind } from "@tidemark/kit";
import type { ObjectStore } from "@tidemark/storage";
import { type Magic, writtenVersion } from "./format.ts";
import type { FramePool } from "./packs/frame-pool.ts";
import type { CompressionSetting } from "./seal/compression.ts";
import type { WalHashKeys } from "./seal/guard-key.ts";
import { damagedObject, ObjectSeal, type Prefix, type SealKeys } from "./seal/object-seal.ts";
import type { RepositoryStep } from "./steps.ts";
import type { WalBlocks } from "./wal/wal-blocks.ts";

/** Timers are a dependency, like the clock: tests move both. */
export type Every = (intervalMs: number, act: () => void) => () => void;

/** What the parts of an opened repository share. */
export interface RepositoryContext extends SealKeys {
  readonly store: ObjectStore;
  /** Throws `repository-key-scope` where the key opens WAL alone. */
  readonly fingerprintSeed: Uint8Array;
  readonly walHashKeys: WalHashKeys;
  readonly compression: CompressionSetting;
  readonly spoolFolder: string;
  /** How often a lease is renewed; see `renewalsPerTerm`. */
  readonly leaseRenewalMs: number;
  /** Calls `act` again and again until the answer is called; keeps no process alive. */
  readonly every: Every;
  readonly clock: Clock;
  readonly newId: (kind: IdKind) => string;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly step: (name: RepositoryStep) => Promise<void>;
  /** The pool that opens frames; its threads start with the first one. */
  readonly openers: FramePool;
  /** Buffers of WAL on its way, which all segments in the making of a repository share. */
  readonly walBlocks: WalBlocks;
  /** WAL is sealed in the caller's own thread, which is there for that. */
  readonly sealsHere: boolean;
}

/** The seal of an object that is about to be written; only a copy says another version (`copiedVersion`), and WAL (`walVersion`). */
export function newSeal(
  context: RepositoryContext,
  key: string,
  formatVersion: number = writtenVersion(context.keyring !== null),
): ObjectSeal {
  const facts = { keyId: context.keyring?.keyIdFor(key) ?? "", salt: context.randomBytes(16), formatVersion };
  return new ObjectSeal(context, key, facts);
}

/** The seal of an object that was read, once its prefix says that it is one of the expected kind. */
export function sealOf(context: RepositoryContext, key: string, prefix: Prefix, magic: Magic): ObjectSeal {
  if (prefix.magic !== magic) throw damagedObject(key, `it is ${prefix.magic}, not ${magic}`);
  return new ObjectSeal(context, key, prefix);
}
