import type { Secret } from "@tidemark/kit";
import type { RepositoryKey } from "../types.ts";

export type SlotKind = "key-file" | "passphrase" | "age";

/** Whom a slot is made for: a key file or passphrase in hand, or the public half of an age identity. */
export type NewKeyOwner =
  | { readonly kind: "key-file"; readonly text: Secret }
  | { readonly kind: "passphrase"; readonly text: Secret }
  | { readonly kind: "age-recipient"; readonly recipient: string };

/** A key slot, as far as it can be read without its key. */
export interface KeySlot {
  readonly slot: string;
  readonly kind: SlotKind;
  /** The same for all slots of one key: after a rotation each owner has one slot for each data key. */
  readonly ownerId: string;
  readonly label: string | null;
  readonly recipient: string | null;
  /** The server whose WAL is all that it opens; null: it opens everything. */
  readonly walOf: string | null;
  /** Id of the data key in it, or of the one that its WAL key is made of. */
  readonly keyId: string;
  readonly keyCreatedAt: Date;
  readonly createdAt: Date;
  /** Its data key is the one that new objects are sealed with. */
  readonly current: boolean;
  /** The key this repository was opened with opens it. */
  readonly opened: boolean;
}

export interface KeySlots {
  readonly slots: readonly KeySlot[];
  /** Sentences on slots that were passed over (damaged, of a newer version), changed, or should be replaced. */
  readonly notes: readonly string[];
}

export interface KeyRotationPlan {
  readonly currentKeyId: string;
  /** Owners that get the new data key: recipients, the key this repository was opened with, and keys given. */
  readonly wrap: readonly KeyOwner[];
  /**
   * Owners whose key was not given, or whose age slot was changed or is somebody else's. Their slots open what is there now,
   * and nothing that is made afterwards; a database host goes on sealing its WAL with the key it has.
   */
  readonly leave: readonly KeyOwner[];
}

export interface KeyOwner {
  readonly ownerId: string;
  readonly kind: SlotKind;
  readonly label: string | null;
  readonly recipient: string | null;
  /** As of `KeySlot`. */
  readonly walOf: string | null;
}

export interface SlotRemovalPlan {
  readonly slots: readonly KeySlot[];
  /** Why it may not be done, a sentence each; empty when it may. */
  readonly refusals: readonly string[];
  /** Data keys that nothing is sealed with and whose last slot goes. */
  readonly forgottenKeyIds: readonly string[];
}

export interface KeyChange {
  /** Slots that were made, in the order in which they became durable. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/**
 * The keys of an encrypted repository. Every act leaves each slot either whole or absent, whenever it dies; repeated, it
 * goes on where it was. In every act new slots come first and old ones go last, so that no moment is without an opener.
 * With a key that opens WAL alone they can be listed; every act throws `repository-key-scope`.
 */
export interface RepositoryKeys {
  /** Of the opening: slots that were passed over. */
  readonly notes: readonly string[];
  list(): Promise<KeySlots>;
  /**
   * Slots for another key, one for each data key this repository was opened with; a slot it has already is not made
   * again. Throws `bad-request` for a recipient or key file that is none. `walOf`: it shall open the WAL of this server and
   * nothing else, which is for key files alone.
   */
  add(owner: NewKeyOwner, label: string | null, walOf?: string | null): Promise<KeyChange>;
  /** Removal of one slot or of all slots of an owner. Throws `not-found`. Looks for objects of a key only where it must. */
  planRemoval(target: { readonly slot: string } | { readonly ownerId: string }): Promise<SlotRemovalPlan>;
  /** Throws `key-slot-needed` with the plan's refusals, `plan-stale` when the slots are others than planned. */
  remove(plan: SlotRemovalPlan): Promise<KeyChange>;
  /**
   * The same data keys for `to` instead of `from`: a new passphrase or key file. Throws `repository-key-wrong` for `from`,
   * `bad-request` for one that opens WAL alone.
   */
  rewrap(from: RepositoryKey, to: NewKeyOwner): Promise<KeyChange>;
  planRotation(keys: readonly RepositoryKey[]): Promise<KeyRotationPlan>;
  /**
   * A new data key for everything that is sealed from now on; no object is rewritten, and unchanged data goes on being
   * referred to. `keys`: keys of further owners, whose slots cannot be made without them. Throws `plan-stale`.
   */
  rotate(plan: KeyRotationPlan, keys: readonly RepositoryKey[]): Promise<KeyChange & { readonly keyId: string }>;
}
