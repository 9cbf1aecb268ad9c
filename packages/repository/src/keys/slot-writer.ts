import { AppError } from "@tidemark/kit";
import { keySlotKey } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import type { RepositoryKey } from "../types.ts";
import { parseRecipient, recipientsOf } from "./age-file.ts";
import type { PassphraseCost } from "./key-derivation.ts";
import { decodeSlot, encodeSlot, openSlot, type ReadSlot, type SlotFacts, type SlotSecrets } from "./key-slot.ts";
import { parseKeyFile } from "./repository-key.ts";
import type { NewKeyOwner } from "./repository-keys.ts";

export interface SlotToMake {
  readonly owner: NewKeyOwner;
  readonly about: Pick<SlotFacts, "ownerId" | "label" | "walOf" | "keyId" | "keyCreatedAt">;
  readonly secrets: SlotSecrets;
}

/** Puts slots, each read back and opened (an age slot: compared) before it counts. */
export class SlotWriter {
  readonly #context: RepositoryContext;
  readonly #cost: PassphraseCost | undefined;

  constructor(context: RepositoryContext, passphraseCost: PassphraseCost | undefined) {
    this.#context = context;
    this.#cost = passphraseCost;
  }

  async put({ owner, about, secrets }: SlotToMake): Promise<string> {
    const { repositoryId, randomBytes, store, clock, newId, step } = this.#context;
    const slot = newId("key");
    const facts = { slot, ...about, createdAt: clock.now() };
    const bytes = await encodeSlot({ repositoryId, facts, secrets, owner, randomBytes, passphraseCost: this.#cost });
    await step("key:before-slot");
    await store.put(keySlotKey(slot), bytes);
    const stored = await store.get(keySlotKey(slot));
    const read = decodeSlot(stored, slot, repositoryId);
    const whole =
      Buffer.compare(stored, bytes) === 0 &&
      "facts" in read &&
      (owner.kind === "age-recipient" || (await openSlot(read, repositoryId, owner)) !== null);
    if (!whole) {
      throw new AppError("storage-failed", {
        message: `${keySlotKey(slot)} was written and does not come back as it was`,
        hint: "the keys there were before are as good as they were; check the storage",
        context: { key: keySlotKey(slot) },
      });
    }
    await step("key:after-slot");
    return slot;
  }

  async remove(slot: string): Promise<void> {
    const { store, step } = this.#context;
    await step("key:before-remove");
    await store.delete(keySlotKey(slot));
    await step("key:after-remove");
  }
}

/** The shortest passphrase a slot is made for: Argon2id makes guessing slow, not hopeless. */
const shortestPassphrase = 8;

/** Throws `bad-request` or `repository-key-wrong` for what no slot can be made for. */
export async function checkOwner(owner: NewKeyOwner): Promise<NewKeyOwner> {
  if (owner.kind === "age-recipient") return { kind: owner.kind, recipient: await parseRecipient(owner.recipient) };
  if (owner.kind === "key-file") parseKeyFile(owner.text);
  if (owner.kind === "passphrase" && owner.text.reveal().length < shortestPassphrase) {
    throw new AppError("bad-request", {
      message: `a passphrase of fewer than ${shortestPassphrase} characters is guessed too soon`,
      context: { field: "passphrase" },
    });
  }
  return owner;
}

/** What slots are made of for a key in hand; an identity stands for its (first) recipient. */
export async function ownerOf(key: RepositoryKey): Promise<NewKeyOwner> {
  if (key.kind !== "age-identity") return key;
  const [recipient = ""] = await recipientsOf(key.text);
  return { kind: "age-recipient", recipient };
}

/** Whether a slot is this owner's: the key opens it, or it names the recipient. */
export async function isSlotOf(slot: ReadSlot, repositoryId: string, owner: NewKeyOwner): Promise<boolean> {
  if (owner.kind === "age-recipient") return slot.facts.recipient === owner.recipient;
  return slot.facts.kind === owner.kind && (await openSlot(slot, repositoryId, owner)) !== null;
}
