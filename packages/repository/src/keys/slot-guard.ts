import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { ReadSlot, SlotFacts } from "./key-slot.ts";

/** What the guard of an age slot is made over: what the slot says in plain, and its age file as it is stored. */
export interface GuardedSlot {
  readonly repositoryId: string;
  readonly facts: SlotFacts;
  readonly sealed: Uint8Array;
}

/**
 * HMAC-SHA-256 with a key that only holders of the data key can make. A recipient is no secret and an age file names no
 * maker, so without it nobody but the recipient could tell a slot of ours from one that somebody else put there, and the
 * next rotation would wrap the new data key for whomever that one names.
 */
export function slotGuard({ repositoryId, facts, sealed }: GuardedSlot, dataKey: Uint8Array): Uint8Array {
  const { slot, ownerId, label, recipient, keyId, createdAt, keyCreatedAt } = facts;
  const times = [createdAt.toISOString(), keyCreatedAt.toISOString()];
  const about = JSON.stringify([repositoryId, slot, ownerId, label, recipient, keyId, ...times]);
  const key = new Uint8Array(hkdfSync("sha256", dataKey, new Uint8Array(0), "tidemark slot guard", 32));
  return new Uint8Array(createHmac("sha256", key).update(about).update(sealed).digest());
}

/** Whether a holder of this data key made the slot, and nobody changed it since. */
export function isGuarded({ facts, sealed, guard }: ReadSlot, repositoryId: string, dataKey: Uint8Array): boolean {
  if (guard === null) return false;
  const expected = slotGuard({ repositoryId, facts, sealed }, dataKey);
  return guard.length === expected.length && timingSafeEqual(guard, expected);
}
