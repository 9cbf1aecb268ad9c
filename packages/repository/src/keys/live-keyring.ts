import { AppError } from "@tidemark/kit";
import type { Keyring } from "../seal/object-seal.ts";
import type { OpenedKeys } from "./open-slots.ts";

/** The keyring of an opened repository: a rotation through it shows at once, other processes' at the next opening. */
export class LiveKeyring implements Keyring {
  readonly dataKeys = new Map<string, Uint8Array>();
  #opened: OpenedKeys;

  constructor(opened: OpenedKeys) {
    this.#opened = opened;
    this.adopt(opened);
  }

  get opened(): OpenedKeys {
    return this.#opened;
  }

  get fingerprintSeed(): Uint8Array {
    return current(this.#opened).secrets.fingerprintSeed;
  }

  /**
   * The data key of new objects. Throws `repository-keys-disagree` when the slots hold different seeds: a recipient is
   * no secret, so whoever can write here could add a slot with a data key of their own and read what is sealed with it.
   */
  get currentKeyId(): string {
    const seeds = new Set(
      this.#opened.opened.map(({ secrets }) => Buffer.from(secrets.fingerprintSeed).toString("hex")),
    );
    if (seeds.size === 1) return current(this.#opened).facts.keyId;
    const slots = this.#opened.opened.map(({ facts }) => facts.slot);
    throw new AppError("repository-keys-disagree", {
      message: `the key slots ${slots.join(", ")} do not belong to one repository: somebody else made one of them`,
      hint: "nothing is written until that slot is gone; reading goes on with every key. Find out who can write to the repository",
      context: { slots: slots.join(", ") },
    });
  }

  /** Keys once known stay: objects of a writer at work name them. */
  adopt(opened: OpenedKeys): void {
    this.#opened = opened;
    for (const { facts, secrets } of opened.keys) this.dataKeys.set(facts.keyId, secrets.dataKey);
  }
}

function current(opened: OpenedKeys): OpenedKeys["keys"][number] {
  const newest = opened.keys.at(-1);
  if (newest === undefined) throw new Error("a keyring was made of no keys");
  return newest;
}
