import { AppError } from "@tidemark/kit";
import { walVersion } from "../format.ts";
import { deriveWalHashKeys, type WalHashKeys, walHashKeysOf } from "../seal/guard-key.ts";
import { damagedObject, type Keyring, type SealFacts } from "../seal/object-seal.ts";
import { deriveWalKey, walServerOf } from "../seal/wal-key.ts";
import type { OpenedKeys } from "./open-slots.ts";
import { outOfScope, walKeyMissing } from "./wal-scope.ts";

/** The keyring of an opened repository: a rotation through it shows at once, other processes' at the next opening. */
export class LiveKeyring implements Keyring {
  readonly dataKeys = new Map<string, Uint8Array>();
  readonly #repositoryId: string;
  /** WAL keys by data key and server: made once, or held by slots for WAL alone. */
  readonly #walKeys = new Map<string, Uint8Array>();
  #opened: OpenedKeys;

  constructor(repositoryId: string, opened: OpenedKeys) {
    this.#repositoryId = repositoryId;
    this.#opened = opened;
    this.adopt(opened);
  }

  get opened(): OpenedKeys {
    return this.#opened;
  }

  /** Servers whose WAL is all that this opens; null: it opens everything. */
  get walOf(): readonly string[] | null {
    const { keys, wal } = this.#opened;
    return keys.length > 0 ? null : [...new Set(wal.map(({ facts }) => facts.walOf ?? ""))];
  }

  get fingerprintSeed(): Uint8Array {
    return this.#current().secrets.fingerprintSeed;
  }

  get walHashKeys(): WalHashKeys {
    const [slot] = this.#opened.wal;
    if (this.walOf === null || slot === undefined) {
      return walHashKeysOf(deriveWalHashKeys(this.#repositoryId, this.fingerprintSeed));
    }
    return walHashKeysOf(slot.wal.walHashKeys);
  }

  /**
   * The data key of new objects. Throws `repository-keys-disagree` when the slots hold different seeds: a recipient is
   * no secret, so whoever can write here could add a slot with a data key of their own and read what is sealed with it.
   * Throws `repository-key-scope` where there is none.
   */
  get currentKeyId(): string {
    const current = this.#current();
    const seeds = new Set(
      this.#opened.opened.flatMap((slot) =>
        "secrets" in slot ? [Buffer.from(slot.secrets.fingerprintSeed).toString("hex")] : [],
      ),
    );
    if (seeds.size === 1) return current.facts.keyId;
    const slots = this.#opened.opened.map(({ facts }) => facts.slot);
    throw new AppError("repository-keys-disagree", {
      message: `the key slots ${slots.join(", ")} do not belong to one repository: somebody else made one of them`,
      hint: "nothing is written until that slot is gone; reading goes on with every key. Find out who can write to the repository",
      context: { slots: slots.join(", ") },
    });
  }

  keyIdFor(name: string): string {
    const { walOf } = this;
    if (walOf === null) return this.currentKeyId;
    const server = walServerOf(name);
    const newest = this.#opened.wal.findLast(({ facts }) => facts.walOf === server);
    if (newest === undefined) throw outOfScope(name, walOf);
    return newest.facts.keyId;
  }

  secretFor(name: string, { keyId, formatVersion }: Pick<SealFacts, "keyId" | "formatVersion">): Uint8Array {
    if (keyId === "") throw unknownKey(name, keyId);
    const server = walServerOf(name);
    const isWal = formatVersion >= walVersion;
    if (isWal && server === null) throw damagedObject(name, "it is sealed as WAL is, and lies where no WAL does");
    const { walOf } = this;
    const known = isWal ? this.#walKeys.get(`${keyId} ${server}`) : this.dataKeys.get(keyId);
    if (known !== undefined) return known;
    if (walOf !== null && (server === null || !walOf.includes(server))) throw outOfScope(name, walOf);
    if (walOf !== null) throw walKeyMissing(name, keyId, isWal);
    const dataKey = this.dataKeys.get(keyId);
    if (dataKey === undefined || server === null) throw unknownKey(name, keyId);
    const walKey = deriveWalKey(this.#repositoryId, server, dataKey);
    this.#walKeys.set(`${keyId} ${server}`, walKey);
    return walKey;
  }

  /** Keys once known stay: objects of a writer at work name them. */
  adopt(opened: OpenedKeys): void {
    this.#opened = opened;
    for (const { facts, secrets } of opened.keys) this.dataKeys.set(facts.keyId, secrets.dataKey);
    if (opened.keys.length > 0) return;
    for (const { facts, wal } of opened.wal) this.#walKeys.set(`${facts.keyId} ${facts.walOf}`, wal.walKey);
  }

  #current(): OpenedKeys["keys"][number] {
    const newest = this.#opened.keys.at(-1);
    if (newest === undefined) throw outOfScope(null, this.walOf ?? []);
    return newest;
  }
}

function unknownKey(name: string, keyId: string): AppError {
  return new AppError("object-damaged", {
    message: `${name} is sealed with ${keyId === "" ? "no key" : keyId}, which none of the opened slots holds`,
    hint: "open the repository with the key of the slot that holds it",
    context: { key: name, keyId },
  });
}
