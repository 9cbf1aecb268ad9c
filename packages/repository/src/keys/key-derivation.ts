import { argon2, hkdfSync, scrypt } from "node:crypto";
import { promisify } from "node:util";
import type { JsonFields } from "../bytes/json-fields.ts";
import type { RepositoryKey } from "../types.ts";
import { parseKeyFile } from "./repository-key.ts";

/** How the key that wraps the data key is made of what the owner holds; written into the slot, so it may change later. */
export type KeyDerivation =
  | { readonly name: "hkdf-sha256"; readonly salt: Uint8Array }
  | {
      readonly name: "argon2id";
      readonly salt: Uint8Array;
      readonly memoryKib: number;
      readonly passes: number;
      readonly parallelism: number;
    }
  | {
      readonly name: "scrypt";
      readonly salt: Uint8Array;
      readonly cost: number;
      readonly blockSize: number;
      readonly parallelism: number;
    };

export interface PassphraseCost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** The second recommended option of RFC 9106 (section 4): 64 MiB, 3 passes, 4 lanes. */
export const defaultPassphraseCost: PassphraseCost = { memoryKib: 64 * 1024, passes: 3, parallelism: 4 };

export function newDerivation(
  kind: "key-file" | "passphrase",
  salt: Uint8Array,
  cost: PassphraseCost = defaultPassphraseCost,
): KeyDerivation {
  if (kind === "key-file") return { name: "hkdf-sha256", salt };
  if (typeof argon2 === "function") return { name: "argon2id", salt, ...cost };
  // scrypt needs 128 · cost · blockSize bytes: with block size 8, cost = KiB (a power of two).
  return { name: "scrypt", salt, cost: 2 ** Math.round(Math.log2(cost.memoryKib)), blockSize: 8, parallelism: 1 };
}

/** 32 bytes, or null when this derivation is for the other kind of key. */
export async function deriveWrappingKey(derivation: KeyDerivation, key: RepositoryKey): Promise<Uint8Array | null> {
  if (derivation.name === "hkdf-sha256") {
    if (key.kind !== "key-file") return null;
    return new Uint8Array(hkdfSync("sha256", parseKeyFile(key.text), derivation.salt, "tidemark wrapping key", 32));
  }
  if (key.kind !== "passphrase") return null;
  // NFC: the same passphrase typed on another system may be composed differently.
  const passphrase = Buffer.from(key.text.reveal().normalize("NFC"), "utf8");
  if (derivation.name === "scrypt") {
    const { cost, blockSize, parallelism } = derivation;
    const limits = { N: cost, r: blockSize, p: parallelism, maxmem: 256 * cost * blockSize };
    return new Uint8Array(await scryptAsync(passphrase, derivation.salt, 32, limits));
  }
  const made = await argon2Async("argon2id", {
    message: passphrase,
    nonce: derivation.salt,
    memory: derivation.memoryKib,
    passes: derivation.passes,
    parallelism: derivation.parallelism,
    tagLength: 32,
  });
  return new Uint8Array(made);
}

export function derivationToJson(derivation: KeyDerivation): Record<string, unknown> {
  return { ...derivation, salt: Buffer.from(derivation.salt).toString("base64") };
}

/**
 * Null for a derivation this version does not know: the slot is for a newer one. Throws a RangeError for numbers that no
 * Tidemark writes: whoever can write to the repository could ask for all memory there is, and for all time.
 */
export function derivationFromJson(fields: JsonFields): KeyDerivation | null {
  const salt = fields.bytes("salt");
  const between = (name: string, least: number, most: number): number => {
    const value = fields.number(name);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new RangeError(`${name} is ${value}, not ${least} to ${most}`);
  };
  switch (fields.text("name")) {
    case "hkdf-sha256":
      return { name: "hkdf-sha256", salt };
    case "argon2id": {
      const parallelism = between("parallelism", 1, 64);
      // RFC 9106, section 3.1: at least eight times the lanes.
      const memoryKib = between("memoryKib", 8 * parallelism, mostMemoryKib);
      return { name: "argon2id", salt, memoryKib, passes: between("passes", 1, 100), parallelism };
    }
    case "scrypt": {
      const cost = between("cost", 2, mostMemoryKib);
      if (!Number.isInteger(Math.log2(cost))) throw new RangeError(`cost is ${cost}, no power of two`);
      return {
        name: "scrypt",
        salt,
        cost,
        blockSize: between("blockSize", 1, 8),
        parallelism: between("parallelism", 1, 16),
      };
    }
    default:
      return null;
  }
}

/** 1 GiB: sixteen times our default. */
const mostMemoryKib = 1024 * 1024;

const argon2Async = promisify(argon2);
const scryptAsync = promisify(
  (
    passphrase: Buffer,
    salt: Uint8Array,
    length: number,
    limits: import("node:crypto").ScryptOptions,
    done: (error: Error | null, key: Buffer) => void,
  ) => scrypt(passphrase, salt, length, limits, done),
);
