import { createHash } from "node:crypto";
import { AppError } from "@tidemark/kit";
import type { RepositoryContext } from "../repository-context.ts";
import type { RepositoryKey } from "../types.ts";
import type { PassphraseCost } from "./key-derivation.ts";
import type { OpenedSlot, ReadSlot } from "./key-slot.ts";
import { findUseOfKey } from "./key-use.ts";
import type { LiveKeyring } from "./live-keyring.ts";
import { openSlots, ownerText, readSlots } from "./open-slots.ts";
import type {
  KeyChange,
  KeyOwner,
  KeyRotationPlan,
  KeySlot,
  KeySlots,
  NewKeyOwner,
  RepositoryKeys,
  SlotRemovalPlan,
} from "./repository-keys.ts";
import { isGuarded } from "./slot-guard.ts";
import { checkOwner, isSlotOf, ownerOf, SlotWriter } from "./slot-writer.ts";
import { assertWalOwner, notRewrapped, outOfScope } from "./wal-scope.ts";

export interface OpenedKeysParts {
  readonly context: RepositoryContext;
  readonly keyring: LiveKeyring;
  /** The key the repository was opened with. */
  readonly key: RepositoryKey;
  readonly passphraseCost: PassphraseCost | undefined;
}

/** Order for the crash in every act: new slots are durable and read back before an old one is removed. */
export class OpenedRepositoryKeys implements RepositoryKeys {
  readonly #parts: OpenedKeysParts;
  readonly #writer: SlotWriter;

  constructor(parts: OpenedKeysParts) {
    this.#parts = parts;
    this.#writer = new SlotWriter(parts.context, parts.passphraseCost);
  }

  get notes(): readonly string[] {
    return this.#parts.keyring.opened.notes;
  }

  async list(): Promise<KeySlots> {
    const { slots, passedOver } = await this.#read();
    const own = passedOver.map(({ slot, why }) => `key slot ${slot} was passed over: ${why}`);
    const changed = this.notes.filter((note) => note.includes(" opens, but "));
    const strange = slots
      .filter((slot) => !this.#isTrusted(slot) && !changed.some((note) => note.includes(` ${slot.facts.slot} `)))
      .map(
        ({ facts }) =>
          `key slot ${facts.slot} (${ownerText(facts)}) was changed, or made by somebody who has not its data key: ` +
          "it gets no new data key; remove it, and add its recipient again if it shall open the repository",
      );
    return { slots: this.#describe(slots), notes: [...own, ...changed, ...strange] };
  }

  async add(newOwner: NewKeyOwner, label: string | null, walOf: string | null = null): Promise<KeyChange> {
    // Before anything else: nothing is wrapped for others that may be an attacker's.
    void this.#parts.keyring.currentKeyId;
    const owner = await checkOwner(newOwner);
    if (walOf !== null) assertWalOwner(owner, walOf);
    const had = await this.#slotsOf(owner, walOf);
    const ownerId = had[0]?.facts.ownerId ?? this.#parts.context.newId("key");
    const about = { ownerId, label: label ?? had[0]?.facts.label ?? null, walOf };
    return { added: await this.#fill(owner, about, had), removed: [] };
  }

  #assertOpensAll(): void {
    const { walOf } = this.#parts.keyring;
    if (walOf !== null) throw outOfScope(null, walOf);
  }

  async planRemoval(target: { readonly slot: string } | { readonly ownerId: string }): Promise<SlotRemovalPlan> {
    const { slots } = await this.#read();
    const isTarget = ({ facts }: ReadSlot): boolean =>
      "slot" in target ? facts.slot === target.slot : facts.ownerId === target.ownerId;
    const going = slots.filter(isTarget);
    if (going.length === 0) {
      throw new AppError("not-found", {
        message: `there is no key slot ${"slot" in target ? target.slot : `of ${target.ownerId}`}`,
        hint: "list the keys: it may have been removed already",
      });
    }
    // A slot for WAL alone holds no data key: it neither takes one away nor keeps one.
    const holders = slots.filter(({ facts }) => facts.walOf === null);
    const staying = holders.filter((slot) => !isTarget(slot));
    const refusals: string[] = [];
    const forgottenKeyIds: string[] = [];
    const lastOf = new Set(holders.filter(isTarget).map(({ facts }) => facts.keyId));
    for (const slot of staying) if (this.#isTrusted(slot)) lastOf.delete(slot.facts.keyId);
    for (const keyId of lastOf) {
      const use = await this.#useOf(keyId, holders);
      if (use === null) forgottenKeyIds.push(keyId);
      else
        refusals.push(`it is the last slot that opens data key ${keyId}, and ${use}: that could never be opened again`);
    }
    return { slots: this.#describe(going), refusals, forgottenKeyIds };
  }

  async remove(plan: SlotRemovalPlan): Promise<KeyChange> {
    this.#assertOpensAll();
    const removed: string[] = [];
    for (const { slot } of plan.slots) {
      // Planned anew for each: a slot that another process removed meanwhile may have been the other opener.
      const again = await this.planRemoval({ slot }).catch(asStale);
      const [refusal] = again.refusals;
      if (refusal !== undefined) {
        throw new AppError("key-slot-needed", {
          message: `key slot ${slot} was not removed: ${refusal}`,
          hint: "give the repository another key first; nothing else was changed",
          context: { slot, removed: removed.join(", ") },
        });
      }
      await this.#writer.remove(slot);
      removed.push(slot);
    }
    return { added: [], removed };
  }

  async rewrap(from: RepositoryKey, newOwner: NewKeyOwner): Promise<KeyChange> {
    this.#assertOpensAll();
    const { context } = this.#parts;
    const to = await checkOwner(newOwner);
    const old = await openSlots(context.store, context.repositoryId, from);
    if (old.wal.length > 0) throw notRewrapped(old.wal[0]?.facts.walOf ?? "");
    const had = await this.#slotsOf(to, null);
    if (old.opened.some(({ facts }) => had.some((slot) => slot.facts.slot === facts.slot))) {
      throw new AppError("bad-request", { message: "the new key is the old one", context: { field: "to" } });
    }
    const facts = old.keys[0]?.facts;
    const ownerId = had[0]?.facts.ownerId ?? context.newId("key");
    const added = await this.#fill(to, { ownerId, label: facts?.label ?? null, walOf: null }, had, old.keys);
    const removed: string[] = [];
    for (const { facts: gone } of old.opened) {
      await this.#writer.remove(gone.slot);
      removed.push(gone.slot);
    }
    return { added, removed };
  }

  async planRotation(keys: readonly RepositoryKey[]): Promise<KeyRotationPlan> {
    const { wrap, leave } = await this.#owners(keys);
    return { currentKeyId: this.#parts.keyring.currentKeyId, wrap: wrap.map(({ owner }) => owner), leave };
  }

  async rotate(plan: KeyRotationPlan, keys: readonly RepositoryKey[]): Promise<KeyChange & { readonly keyId: string }> {
    const { context, keyring } = this.#parts;
    const { wrap, leave } = await this.#owners(keys);
    const now: KeyRotationPlan = {
      currentKeyId: keyring.currentKeyId,
      wrap: wrap.map(({ owner }) => owner),
      leave,
    };
    if (JSON.stringify(now) !== JSON.stringify(plan)) throw stalePlan();
    const newest = keyring.opened.keys.at(-1)?.facts.keyCreatedAt ?? context.clock.now();
    const keyId = context.newId("key");
    // A clock that went back must not make the new key older than the one it replaces.
    const keyCreatedAt = new Date(Math.max(context.clock.now().getTime(), newest.getTime() + 1));
    const secrets = { dataKey: context.randomBytes(32), fingerprintSeed: keyring.fingerprintSeed };
    const added: string[] = [];
    // The opener's own slot last: until it is there, nobody who writes with this key has the new data key, so that a
    // rotation that dies leaves no object which one of the others could not open.
    for (const { owner, wrapFor } of wrap) {
      const { ownerId, label, walOf } = owner;
      const about = { ownerId, label, walOf, keyId, keyCreatedAt };
      added.push(await this.#writer.put({ owner: wrapFor, about, secrets }));
    }
    await this.#reload();
    return { added, removed: [], keyId };
  }

  /** Slots of `owner` for every data key it has none of yet, the current last, so that the newest slot holds it. */
  async #fill(
    owner: NewKeyOwner,
    whose: Pick<KeySlot, "ownerId" | "label" | "walOf">,
    had: readonly ReadSlot[],
    keys: readonly OpenedSlot[] = this.#parts.keyring.opened.keys,
  ): Promise<string[]> {
    const added: string[] = [];
    for (const { facts, secrets } of keys) {
      if (had.some((slot) => slot.facts.keyId === facts.keyId)) continue;
      const about = { ...whose, keyId: facts.keyId, keyCreatedAt: facts.keyCreatedAt };
      added.push(await this.#writer.put({ owner, about, secrets }));
    }
    return added;
  }

  /**
   * Whether nothing speaks against a slot: an age slot has the guard of its data key. Of a data key that is not at hand,
   * or a slot of another kind whose key is not, nobody here can tell.
   */
  #isTrusted(slot: ReadSlot): boolean {
    const { keyring, context } = this.#parts;
    const dataKey = keyring.dataKeys.get(slot.facts.keyId);
    return slot.facts.kind !== "age" || dataKey === undefined || isGuarded(slot, context.repositoryId, dataKey);
  }

  /** Owners of the current data key, the one that opened the repository last. */
  async #owners(keys: readonly RepositoryKey[]): Promise<{ wrap: Wrappable[]; leave: KeyOwner[] }> {
    await this.#reload();
    const { keyring, context, key } = this.#parts;
    const { currentKeyId } = keyring;
    const given = [...(await Promise.all(keys.map(ownerOf))), await ownerOf(key)];
    const rest: Wrappable[] = [];
    const leave: KeyOwner[] = [];
    let opener: Wrappable | null = null;
    for (const slot of keyring.opened.slots) {
      // Where the slot opens, what is sealed in it counts, and not what stands outside.
      const own = keyring.opened.opened.find(({ facts }) => facts.slot === slot.facts.slot);
      const { ownerId, kind, label, recipient, walOf, keyId } = own?.facts ?? slot.facts;
      if (keyId !== currentKeyId) continue;
      const owner = { ownerId, kind, label, recipient, walOf };
      if ([...rest, ...(opener === null ? [] : [opener])].some((one) => one.owner.ownerId === ownerId)) continue;
      if (own !== undefined && walOf === null) {
        // A file of several age identities may open the slots of several owners: each keeps its own recipient.
        if (opener !== null) rest.push(opener);
        opener = { owner, wrapFor: recipient === null ? await ownerOf(key) : ageOwner(recipient) };
        continue;
      }
      const ageFor = recipient === null || !this.#isTrusted(slot) ? null : ageOwner(recipient);
      const wrapFor = recipient === null ? await firstOf(given, slot, context.repositoryId) : ageFor;
      if (wrapFor === null) leave.push(owner);
      else rest.push({ owner, wrapFor });
    }
    return { wrap: opener === null ? rest : [...rest, opener], leave };
  }

  /** What a data key is needed for, as the end of a sentence; null: nothing. */
  async #useOf(keyId: string, slots: readonly ReadSlot[]): Promise<string | null> {
    const { context, keyring } = this.#parts;
    if (keyId === keyring.opened.keys.at(-1)?.facts.keyId) return "new objects are sealed with it";
    const madeAt = slots.find(({ facts }) => facts.keyId === keyId)?.facts.keyCreatedAt.getTime() ?? 0;
    const later = slots.map(({ facts }) => facts.keyCreatedAt.getTime()).filter((time) => time > madeAt);
    const replacedAt = later.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...later);
    if (context.clock.now().getTime() - replacedAt < stillWritingMs) {
      return "whoever opened the repository before the rotation may still begin to write with it, for an hour";
    }
    const object = await findUseOfKey(context.store, keyId);
    return object === null ? null : `${object} may need it`;
  }

  async #slotsOf(owner: NewKeyOwner, walOf: string | null): Promise<ReadSlot[]> {
    const { slots } = await this.#read();
    const { context, keyring } = this.#parts;
    const found: ReadSlot[] = [];
    for (const slot of slots) {
      if (slot.facts.walOf !== walOf) continue;
      // Of an age slot that only its owner can open, the guard alone says that it is whole.
      const isSure = slot.facts.kind !== "age" || (keyring.dataKeys.has(slot.facts.keyId) && this.#isTrusted(slot));
      if (isSure && (await isSlotOf(slot, context.repositoryId, owner))) found.push(slot);
    }
    return found;
  }

  #read(): ReturnType<typeof readSlots> {
    return readSlots(this.#parts.context.store, this.#parts.context.repositoryId);
  }

  async #reload(): Promise<void> {
    const { context, key, keyring } = this.#parts;
    keyring.adopt(await openSlots(context.store, context.repositoryId, key));
  }

  #describe(slots: readonly ReadSlot[]): KeySlot[] {
    const { opened } = this.#parts.keyring;
    const currentKeyId = (opened.keys.at(-1) ?? opened.wal.at(-1))?.facts.keyId;
    const ours = new Set(opened.opened.map(({ facts }) => facts.slot));
    return slots.map(({ facts }) => ({
      ...facts,
      current: facts.keyId === currentKeyId,
      opened: ours.has(facts.slot),
    }));
  }
}

/** Longer than from the opening of a repository to the lease of the backup it was opened for. */
const stillWritingMs = 3_600_000;

interface Wrappable {
  readonly owner: KeyOwner;
  readonly wrapFor: NewKeyOwner;
}

const ageOwner = (recipient: string): NewKeyOwner => ({ kind: "age-recipient", recipient });

async function firstOf(
  given: readonly NewKeyOwner[],
  slot: ReadSlot,
  repositoryId: string,
): Promise<NewKeyOwner | null> {
  for (const owner of given) if (await isSlotOf(slot, repositoryId, owner)) return owner;
  return null;
}

function asStale(error: unknown): never {
  throw error instanceof AppError && error.code === "not-found" ? stalePlan() : error;
}

function stalePlan(): AppError {
  return new AppError("plan-stale", {
    message: "the keys are others than when this was planned",
    hint: "look at the keys again; what was not done yet was left as it is",
  });
}

/** Identifies what a plan would do, so that a person confirms exactly that. 64 hex digits. */
export function keyPlanHash(plan: KeyRotationPlan | SlotRemovalPlan): string {
  return createHash("sha256").update(JSON.stringify(plan)).digest("hex");
}

/** "a passphrase (alice)", for sentences. */
export function keyOwnerText(owner: Pick<KeyOwner, "kind" | "label" | "recipient" | "walOf">): string {
  return ownerText(owner);
}
