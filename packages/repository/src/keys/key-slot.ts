import { AppError } from "@tidemark/kit";
import type { ObjectStore } from "@tidemark/storage";
import { JsonFields, jsonBytes } from "../bytes/json-fields.ts";
import { keySlotKey, keysPrefix, nameOf } from "../paths.ts";
import type { Keyring } from "../seal/object-seal.ts";
import { openBox, sealBox } from "../seal/sealed-box.ts";
import type { FrameSealing, RepositoryKey } from "../types.ts";
import {
  derivationFromJson,
  derivationToJson,
  deriveWrappingKey,
  type KeyDerivation,
  newDerivation,
  type PassphraseCost,
} from "./key-derivation.ts";

/** The secrets of a repository, as wrapped in a slot. A rotation makes a new data key; the seed stays. */
export interface SlotSecrets {
  readonly keyId: string;
  readonly dataKey: Uint8Array;
  readonly fingerprintSeed: Uint8Array;
}

export interface NewSlot {
  readonly repositoryId: string;
  readonly slot: string;
  readonly secrets: SlotSecrets;
  readonly key: RepositoryKey;
  readonly createdAt: Date;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly passphraseCost?: PassphraseCost | undefined;
}

/** The bytes of `keys/<slot>`: readable JSON with the secrets sealed in it. */
export async function encodeSlot(slot: NewSlot): Promise<Uint8Array> {
  const derivation = newDerivation(slot.key.kind, slot.randomBytes(16), slot.passphraseCost);
  const wrappingKey = await deriveWrappingKey(derivation, slot.key);
  if (wrappingKey === null) throw new Error("a derivation was made for another kind of key");
  const nonce = slot.randomBytes(12);
  const secrets = jsonBytes({
    dataKey: Buffer.from(slot.secrets.dataKey).toString("base64"),
    fingerprintSeed: Buffer.from(slot.secrets.fingerprintSeed).toString("base64"),
  });
  const sealing = slotSealing(wrappingKey, nonce, slot.repositoryId, slot.slot, slot.secrets.keyId);
  return jsonBytes(
    {
      tidemark: "key-slot",
      formatVersion: 1,
      repositoryId: slot.repositoryId,
      slot: slot.slot,
      keyId: slot.secrets.keyId,
      kind: slot.key.kind,
      createdAt: slot.createdAt.toISOString(),
      derivation: derivationToJson(derivation),
      nonce: Buffer.from(nonce).toString("base64"),
      sealed: Buffer.from(sealBox(secrets, sealing)).toString("base64"),
    },
    2,
  );
}

interface ReadSlot {
  readonly slot: string;
  readonly keyId: string;
  readonly createdAt: Date;
  readonly derivation: KeyDerivation;
  readonly nonce: Uint8Array;
  readonly sealed: Uint8Array;
}

export interface OpenedKeys {
  readonly keyring: Keyring;
  readonly fingerprintSeed: Uint8Array;
}

/**
 * Opens every slot the key fits. New objects use the data key of the newest one. Throws `repository-key-wrong` when it
 * fits none, `object-damaged` when there is no readable slot at all.
 */
export async function openSlots(store: ObjectStore, repositoryId: string, key: RepositoryKey): Promise<OpenedKeys> {
  const slots = await readSlots(store, repositoryId);
  const opened: SlotSecrets[] = [];
  for (const slot of slots) {
    const secrets = await openSlot(slot, repositoryId, key);
    if (secrets !== null) opened.push(secrets);
  }
  const newest = opened.at(-1);
  if (newest === undefined) {
    throw new AppError("repository-key-wrong", {
      message: `this ${key.kind === "key-file" ? "key file" : "passphrase"} does not open ${store.location}`,
      hint: "use the key file or passphrase this repository was made with; the recovery kit has it",
      context: { location: store.location, slots: slots.length },
    });
  }
  const dataKeys = new Map(opened.map(({ keyId, dataKey }) => [keyId, dataKey]));
  return { keyring: { currentKeyId: newest.keyId, dataKeys }, fingerprintSeed: newest.fingerprintSeed };
}

/** Slots of this repository, oldest first. Those another creator left behind, or a newer version made, are passed over. */
async function readSlots(store: ObjectStore, repositoryId: string): Promise<ReadSlot[]> {
  const slots: ReadSlot[] = [];
  const unreadable: string[] = [];
  for await (const { key } of store.list(keysPrefix)) {
    try {
      const slot = decodeSlot(await store.get(key), nameOf(key), repositoryId);
      if (slot !== null) slots.push(slot);
    } catch (error) {
      if (error instanceof AppError) throw error;
      unreadable.push(key);
    }
  }
  if (slots.length === 0) {
    throw new AppError("object-damaged", {
      message: `no key slot in ${store.location} can be read${unreadable.length > 0 ? ` (damaged: ${unreadable.join(", ")})` : ""}`,
      hint: "copy the keys/ folder back from a copy of the repository; without a slot the data cannot be opened",
      context: { location: store.location },
    });
  }
  return slots.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
}

function decodeSlot(bytes: Uint8Array, name: string, repositoryId: string): ReadSlot | null {
  const fields = JsonFields.parse(bytes);
  if (fields.text("tidemark") !== "key-slot") throw new TypeError("not a key slot");
  if (fields.number("formatVersion") > 1 || fields.text("repositoryId") !== repositoryId) return null;
  const derivation = derivationFromJson(fields.object("derivation"));
  if (derivation === null) return null;
  return {
    slot: name,
    keyId: fields.text("keyId"),
    createdAt: fields.date("createdAt"),
    derivation,
    nonce: fields.bytes("nonce"),
    sealed: fields.bytes("sealed"),
  };
}

async function openSlot(slot: ReadSlot, repositoryId: string, key: RepositoryKey): Promise<SlotSecrets | null> {
  const wrappingKey = await deriveWrappingKey(slot.derivation, key);
  if (wrappingKey === null) return null;
  const sealing = slotSealing(wrappingKey, slot.nonce, repositoryId, slot.slot, slot.keyId);
  let plain: Uint8Array;
  try {
    plain = openBox(slot.sealed, sealing);
  } catch {
    // The tag does not match: this key does not fit this slot. Whether any fits is for the caller to say.
    return null;
  }
  const fields = JsonFields.parse(plain);
  return { keyId: slot.keyId, dataKey: fields.bytes("dataKey"), fingerprintSeed: fields.bytes("fingerprintSeed") };
}

function slotSealing(
  key: Uint8Array,
  nonce: Uint8Array,
  repositoryId: string,
  slot: string,
  keyId: string,
): FrameSealing {
  const place = `tidemark/1 ${repositoryId} ${keySlotKey(slot)} ${keyId}`;
  return { key, nonce, additionalData: new Uint8Array(Buffer.from(place, "latin1")) };
}
