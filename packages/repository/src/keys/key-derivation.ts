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
  kind: RepositoryKey["kind"],
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

/** Null for a derivation this version does not know: the slot is for a newer one. */
export function derivationFromJson(fields: JsonFields): KeyDerivation | null {
  const salt = fields.bytes("salt");
  switch (fields.text("name")) {
    case "hkdf-sha256":
      return { name: "hkdf-sha256", salt };
    case "argon2id":
      return {
        name: "argon2id",
        salt,
        memoryKib: fields.number("memoryKib"),
        passes: fields.number("passes"),
        parallelism: fields.number("parallelism"),
      };
    case "scrypt":
      return {
        name: "scrypt",
        salt,
        cost: fields.number("cost"),
        blockSize: fields.number("blockSize"),
        parallelism: fields.number("parallelism"),
      };
    default:
      return null;
  }
}

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
