import { AppError } from "@tidemark/kit";
import type { ObjectStore } from "@tidemark/storage";
import { keysPrefix, nameOf } from "../paths.ts";
import type { RepositoryKey } from "../types.ts";
import { decodeSlot, type OpenedSlot, type OpenedWalSlot, openSlot, type ReadSlot } from "./key-slot.ts";

/** Every slot of a repository that this version can read, oldest first, and what was passed over. */
export interface StoredSlots {
  readonly slots: readonly ReadSlot[];
  readonly passedOver: readonly { readonly slot: string; readonly why: string }[];
}

export async function readSlots(store: ObjectStore, repositoryId: string): Promise<StoredSlots> {
  const slots: ReadSlot[] = [];
  const passedOver: { slot: string; why: string }[] = [];
  for await (const { key } of store.list(keysPrefix)) {
    let bytes: Uint8Array;
    try {
      bytes = await store.get(key);
    } catch (error) {
      // Removed since it was listed.
      if (error instanceof AppError && error.code === "object-missing") continue;
      throw error;
    }
    const slot = decodeSlot(bytes, nameOf(key), repositoryId);
    if ("why" in slot) passedOver.push({ slot: nameOf(key), why: slot.why });
    else slots.push(slot);
  }
  return { slots: slots.sort(bySlotAge), passedOver };
}

function bySlotAge({ facts: a }: ReadSlot, { facts: b }: ReadSlot): number {
  return a.createdAt.getTime() - b.createdAt.getTime() || (a.slot < b.slot ? -1 : 1);
}

export interface OpenedKeys {
  /** One for each data key, the oldest key first: the last one is the current. Empty where the key opens WAL alone. */
  readonly keys: readonly OpenedSlot[];
  /** Slots for WAL alone, oldest data key first; of no use where there are `keys`, which open the same. */
  readonly wal: readonly OpenedWalSlot[];
  /** Every slot that opened, several for one data key where they were made twice. */
  readonly opened: readonly (OpenedSlot | OpenedWalSlot)[];
  readonly slots: readonly ReadSlot[];
  /** Sentences on slots that were passed over or should be replaced. */
  readonly notes: readonly string[];
}

/**
 * Opens every slot the key fits; a slot that is damaged or of an unknown kind is passed over with a note. Throws
 * `repository-key-wrong` when it fits none, `object-damaged` when there is no readable slot at all.
 */
export async function openSlots(store: ObjectStore, repositoryId: string, key: RepositoryKey): Promise<OpenedKeys> {
  const { slots, passedOver } = await readSlots(store, repositoryId);
  const notes = passedOver.map(({ slot, why }) => `key slot ${slot} was passed over: ${why}`);
  if (slots.length === 0) throw noSlots(store, passedOver);
  const opened: (OpenedSlot | OpenedWalSlot)[] = [];
  for (const slot of slots) {
    const open = await openSlot(slot, repositoryId, key);
    if (open === null) continue;
    opened.push(open);
    if (open.problem !== null) notes.push(`key slot ${slot.facts.slot} opens, but ${open.problem}`);
  }
  if (opened.length === 0) throw keyFitsNone(store, key, slots, notes);
  const whole = opened.filter((slot) => "secrets" in slot);
  const wal = opened.filter((slot) => "wal" in slot).sort(byKeyAge);
  return { keys: byDataKey(whole), wal, opened, slots, notes };
}

/** The newest data key is the current one, wherever its slots lie in time; equal times are told apart by the id. */
function byDataKey(opened: readonly OpenedSlot[]): OpenedSlot[] {
  const keys = new Map<string, OpenedSlot>();
  for (const slot of opened) keys.set(slot.facts.keyId, keys.get(slot.facts.keyId) ?? slot);
  return [...keys.values()].sort(byKeyAge);
}

function byKeyAge({ facts: a }: Pick<ReadSlot, "facts">, { facts: b }: Pick<ReadSlot, "facts">): number {
  return a.keyCreatedAt.getTime() - b.keyCreatedAt.getTime() || (a.keyId < b.keyId ? -1 : 1);
}

function noSlots(store: ObjectStore, passedOver: StoredSlots["passedOver"]): AppError {
  const why = passedOver.map(({ slot, why: reason }) => `${slot}: ${reason}`).join("; ");
  return new AppError("object-damaged", {
    message: `no key slot in ${store.location} can be read${why === "" ? ": there is none" : ` (${why})`}`,
    hint: "copy the keys/ folder back from a copy of the repository; without a slot no backup in it can be opened, with any key",
    context: { location: store.location },
  });
}

const names = { "key-file": "key file", passphrase: "passphrase", "age-identity": "age identity" } as const;

function keyFitsNone(
  store: ObjectStore,
  key: RepositoryKey,
  slots: readonly ReadSlot[],
  notes: readonly string[],
): AppError {
  const owners = new Map(slots.map(({ facts }) => [facts.ownerId, ownerText(facts)]));
  const damaged = notes.length === 0 ? "" : ` (${notes.join("; ")})`;
  return new AppError("repository-key-wrong", {
    message: `this ${names[key.kind]} does not open ${store.location}; its keys are: ${[...owners.values()].join(", ")}${damaged}`,
    hint:
      "any one of those keys opens it; a recovery kit has one. If all of them are lost, nothing in it can be had back: no backup, " +
      "no file, no name of one; only what the servers still hold can be backed up anew, into a new repository",
    context: { location: store.location, slots: slots.length },
  });
}

/** An owner as a person knows it, for sentences. */
export function ownerText({ kind, recipient, label, walOf }: OwnerFacts): string {
  const what = { "key-file": "a key file", passphrase: "a passphrase", age: recipient ?? "an age recipient" };
  const whose = label === null ? what[kind] : `${what[kind]} (${label})`;
  return walOf === null ? whose : `${whose}, for the WAL of ${walOf} alone`;
}

type OwnerFacts = Pick<ReadSlot["facts"], "kind" | "recipient" | "label" | "walOf">;
