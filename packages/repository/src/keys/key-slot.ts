import { JsonFields, jsonBytes } from "../bytes/json-fields.ts";
import { keySlotKey } from "../paths.ts";
import { deriveWalHashKeys } from "../seal/guard-key.ts";
import { openBox, sealBox } from "../seal/sealed-box.ts";
import { deriveWalKey } from "../seal/wal-key.ts";
import type { FrameSealing, RepositoryKey } from "../types.ts";
import { decryptWithIdentity, encryptForRecipient } from "./age-file.ts";
import {
  derivationFromJson,
  derivationToJson,
  deriveWrappingKey,
  type KeyDerivation,
  newDerivation,
  type PassphraseCost,
} from "./key-derivation.ts";
import type { NewKeyOwner, SlotKind } from "./repository-keys.ts";
import { isGuarded, slotGuard } from "./slot-guard.ts";

/** What a slot says in plain. The same is sealed inside it, so that a change is found by whoever opens it. */
export interface SlotFacts {
  readonly slot: string;
  readonly kind: SlotKind;
  /** The same in every slot that was made for one key, passphrase or recipient. */
  readonly ownerId: string;
  readonly label: string | null;
  /** Of an age slot: whom it is for. */
  readonly recipient: string | null;
  /** The server whose WAL alone it opens; null: everything. */
  readonly walOf: string | null;
  readonly keyId: string;
  /** When the data key in it was made: the newest is used for new objects. */
  readonly keyCreatedAt: Date;
  readonly createdAt: Date;
}

/** The secrets of a repository, as wrapped in a slot. A rotation makes a new data key; the seed stays. */
export interface SlotSecrets {
  readonly dataKey: Uint8Array;
  readonly fingerprintSeed: Uint8Array;
}

/** What a slot for WAL alone holds: made of the secrets, which cannot be had back from it. */
export interface WalSecrets {
  readonly walKey: Uint8Array;
  /** 64 bytes (`walHashKeysOf`). */
  readonly walHashKeys: Uint8Array;
}

export interface NewSlot {
  readonly repositoryId: string;
  /** With `walOf`, only for a key file. */
  readonly facts: Omit<SlotFacts, "kind" | "recipient">;
  readonly secrets: SlotSecrets;
  readonly owner: NewKeyOwner;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly passphraseCost?: PassphraseCost | undefined;
}

/** The bytes of `keys/<slot>`: readable JSON with the secrets sealed in it. */
export async function encodeSlot({ owner, ...slot }: NewSlot): Promise<Uint8Array> {
  if (owner.kind === "age-recipient") {
    const facts: SlotFacts = { ...slot.facts, kind: "age", recipient: owner.recipient };
    const sealed = await encryptForRecipient(owner.recipient, secretBytes(slot.repositoryId, facts, slot.secrets));
    const guard = slotGuard({ repositoryId: slot.repositoryId, facts, sealed }, slot.secrets.dataKey);
    return slotBytes(slot.repositoryId, facts, 2, { guard: base64(guard), sealed: base64(sealed) });
  }
  const facts: SlotFacts = { ...slot.facts, kind: owner.kind, recipient: null };
  const derivation = newDerivation(owner.kind, slot.randomBytes(16), slot.passphraseCost);
  const wrappingKey = await deriveWrappingKey(derivation, owner);
  if (wrappingKey === null) throw new Error("a derivation was made for another kind of key");
  const nonce = slot.randomBytes(12);
  const sealing = slotSealing(wrappingKey, nonce, slot.repositoryId, facts);
  const sealed = sealBox(secretBytes(slot.repositoryId, facts, slot.secrets), sealing);
  return slotBytes(slot.repositoryId, facts, facts.walOf === null ? 1 : walSlotVersion, {
    derivation: derivationToJson(derivation),
    nonce: base64(nonce),
    sealed: base64(sealed),
  });
}

/** A reader of before knows no slots for WAL alone, and passes over what is of a later version. */
const walSlotVersion = 3;

function slotBytes(repositoryId: string, facts: SlotFacts, formatVersion: number, rest: object): Uint8Array {
  return jsonBytes({ tidemark: "key-slot", formatVersion, repositoryId, ...plainFacts(facts), ...rest }, 2);
}

function secretBytes(repositoryId: string, facts: SlotFacts, secrets: SlotSecrets): Uint8Array {
  const { dataKey, fingerprintSeed } = secrets;
  const { keyId, walOf } = facts;
  const about = { repositoryId, ...plainFacts(facts) };
  if (walOf !== null) {
    const walKey = deriveWalKey(repositoryId, walOf, dataKey);
    const walHashKeys = deriveWalHashKeys(repositoryId, fingerprintSeed);
    return jsonBytes({ keyId, walKey: base64(walKey), walHashKeys: base64(walHashKeys), about });
  }
  // The key id once more where a reader of the opened bytes alone looks for it.
  return jsonBytes({ keyId, dataKey: base64(dataKey), fingerprintSeed: base64(fingerprintSeed), about });
}

function plainFacts({ createdAt, keyCreatedAt, recipient, walOf, ...facts }: SlotFacts): Record<string, unknown> {
  const times = { createdAt: createdAt.toISOString(), keyCreatedAt: keyCreatedAt.toISOString() };
  return { ...facts, ...(recipient === null ? {} : { recipient }), ...(walOf === null ? {} : { walOf }), ...times };
}

/** A slot as it lies in the store, of a kind this version knows. */
export interface ReadSlot {
  readonly facts: SlotFacts;
  readonly wrapping: { readonly derivation: KeyDerivation; readonly nonce: Uint8Array } | null;
  readonly sealed: Uint8Array;
  /** Of an age slot: see `slotGuard`; null where it has none. */
  readonly guard: Uint8Array | null;
}

/** Slot, or why it is passed over: damage, a later version, a slot that another repository's creation left. */
export function decodeSlot(bytes: Uint8Array, name: string, repositoryId: string): ReadSlot | { readonly why: string } {
  try {
    const fields = JsonFields.parse(bytes);
    if (fields.text("tidemark") !== "key-slot") return { why: "it is no key slot" };
    const version = fields.number("formatVersion");
    if (version > walSlotVersion) return { why: `it is of format ${version}, which a newer Tidemark wrote` };
    const owner = fields.text("repositoryId");
    if (owner !== repositoryId) return { why: `it belongs to ${owner}` };
    if (fields.text("slot") !== name) return { why: `it was made as ${fields.text("slot")}` };
    const facts = readFacts(fields, name);
    if (facts === null) return { why: `its kind ${fields.text("kind")} is not known to this Tidemark` };
    if ((facts.walOf !== null) !== (version === walSlotVersion)) {
      return { why: "it is damaged: its version and what it opens do not go together" };
    }
    if (facts.walOf !== null && facts.kind !== "key-file") {
      return { why: "it is damaged: only key files can open WAL alone" };
    }
    const sealed = fields.bytes("sealed");
    if (facts.kind === "age") {
      return { facts, wrapping: null, sealed, guard: fields.isNull("guard") ? null : fields.bytes("guard") };
    }
    const derivation = derivationFromJson(fields.object("derivation"));
    if (derivation === null) return { why: "its key derivation is not known to this Tidemark" };
    return { facts, wrapping: { derivation, nonce: fields.bytes("nonce") }, sealed, guard: null };
  } catch (error) {
    return { why: `it is damaged: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** Null for an unknown kind. The first slots of version 1 have no owner, label and time of the data key. */
function readFacts(fields: JsonFields, name: string): SlotFacts | null {
  const kind = fields.text("kind");
  if (kind !== "key-file" && kind !== "passphrase" && kind !== "age") return null;
  const createdAt = fields.date("createdAt");
  return {
    slot: name,
    kind,
    ownerId: fields.textOrNull("ownerId") ?? name,
    label: fields.textOrNull("label"),
    recipient: kind === "age" ? fields.text("recipient") : null,
    walOf: fields.textOrNull("walOf"),
    keyId: fields.text("keyId"),
    keyCreatedAt: fields.isNull("keyCreatedAt") ? createdAt : fields.date("keyCreatedAt"),
    createdAt,
  };
}

export interface OpenedSlot {
  /** As sealed, whatever the plain fields say. */
  readonly facts: SlotFacts;
  readonly secrets: SlotSecrets;
  /** Why it should be replaced although it opens, or null. */
  readonly problem: string | null;
}

export interface OpenedWalSlot extends Pick<OpenedSlot, "facts" | "problem"> {
  readonly wal: WalSecrets;
}

/** Null when this key does not fit, or the sealed bytes are damaged: nobody can tell the one from the other. */
export async function openSlot(
  slot: ReadSlot,
  repositoryId: string,
  key: RepositoryKey,
): Promise<OpenedSlot | OpenedWalSlot | null> {
  const plain = await unwrap(slot, repositoryId, key);
  if (plain === null) return null;
  const fields = JsonFields.parse(plain);
  if (slot.facts.walOf !== null) return openWalSlot(slot, repositoryId, fields);
  const secrets = { dataKey: fields.bytes("dataKey"), fingerprintSeed: fields.bytes("fingerprintSeed") };
  if (fields.isNull("about")) return slot.facts.kind === "age" ? null : { facts: slot.facts, secrets, problem: null };
  const about = fields.object("about");
  const facts = readFacts(about, slot.facts.slot);
  // An age file says nothing of where it lies, so what is inside decides: another repository's or slot's is not this one.
  const ours = about.text("repositoryId") === repositoryId && about.text("slot") === slot.facts.slot;
  if (!ours || facts === null) return null;
  const same = JSON.stringify(plainFacts(facts)) === JSON.stringify(plainFacts(slot.facts));
  if (!same) return { facts, secrets, problem: "its plain fields were changed after it was sealed" };
  const isOurs = slot.facts.kind !== "age" || isGuarded(slot, repositoryId, secrets.dataKey);
  return {
    facts,
    secrets,
    problem: isOurs ? null : "its guard does not match: remove it, and add its recipient again",
  };
}

/** What it opens is part of what it authenticates, so the sealed scope and the one outside are the same. */
function openWalSlot(slot: ReadSlot, repositoryId: string, fields: JsonFields): OpenedWalSlot | null {
  const about = fields.object("about");
  const facts = readFacts(about, slot.facts.slot);
  if (facts === null || about.text("repositoryId") !== repositoryId || facts.walOf !== slot.facts.walOf) return null;
  const wal = { walKey: fields.bytes("walKey"), walHashKeys: fields.bytes("walHashKeys") };
  const same = JSON.stringify(plainFacts(facts)) === JSON.stringify(plainFacts(slot.facts));
  return { facts, wal, problem: same ? null : "its plain fields were changed after it was sealed" };
}

async function unwrap(slot: ReadSlot, repositoryId: string, key: RepositoryKey): Promise<Uint8Array | null> {
  if (slot.wrapping === null) {
    return key.kind === "age-identity" ? decryptWithIdentity(key.text, slot.sealed) : null;
  }
  if (key.kind === "age-identity") return null;
  const wrappingKey = await deriveWrappingKey(slot.wrapping.derivation, key);
  if (wrappingKey === null) return null;
  try {
    return openBox(slot.sealed, slotSealing(wrappingKey, slot.wrapping.nonce, repositoryId, slot.facts), 64 * 1024);
  } catch {
    // The tag does not match: this key does not fit this slot. Whether any fits is for the caller to say.
    return null;
  }
}

function slotSealing(
  key: Uint8Array,
  nonce: Uint8Array,
  repositoryId: string,
  { slot, keyId, walOf }: Pick<SlotFacts, "slot" | "keyId" | "walOf">,
): FrameSealing {
  const scope = walOf === null ? "" : ` wal ${walOf}`;
  const place = `tidemark/1 ${repositoryId} ${keySlotKey(slot)} ${keyId}${scope}`;
  return { key, nonce, additionalData: new Uint8Array(Buffer.from(place, "latin1")) };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
