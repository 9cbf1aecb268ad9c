import { AppError, crc32c, Secret } from "@tidemark/kit";
import type { RepositoryKey } from "../types.ts";

/** What a key file holds: this word, then base64url of 32 random bytes and their CRC-32C (4 bytes, little-endian). */
const keyFileWord = "tidemark-key-1:";
const keyBytes = 32;

/** Makes a new key. Its text belongs into a key file with mode 0600, and onto paper (`recoveryKit`). */
export function newRepositoryKey(randomBytes: (length: number) => Uint8Array): RepositoryKey {
  const secret = randomBytes(keyBytes);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(crc32c(secret));
  const text = `${keyFileWord}${Buffer.concat([secret, checksum]).toString("base64url")}`;
  return { kind: "key-file", text: new Secret(text) };
}

/** The 32 bytes of a key file. Throws `repository-key-wrong` for what is no key file, or one with a typing error. */
export function parseKeyFile(text: Secret): Uint8Array {
  const trimmed = text.reveal().trim();
  if (!trimmed.startsWith(keyFileWord)) {
    throw wrongKey("the key file does not begin with tidemark-key-1:", "a key file is one line of text");
  }
  const bytes = Buffer.from(trimmed.slice(keyFileWord.length).replaceAll(/\s/g, ""), "base64url");
  const secret = new Uint8Array(bytes.subarray(0, keyBytes));
  if (bytes.length !== keyBytes + 4 || bytes.readUInt32LE(keyBytes) !== crc32c(secret)) {
    throw wrongKey("the key file has a missing or wrong character", "compare it with the recovery kit");
  }
  return secret;
}

export function wrongKey(message: string, hint: string): AppError {
  return new AppError("repository-key-wrong", { message, hint });
}

/**
 * A key as a person gives it. A text with a key file's line in it (a recovery kit, as text or page) is that key; one with
 * age's secret keys is an identity; everything else is a passphrase, taken as it is but for the end of its line. Throws
 * `repository-key-wrong` for a text with several keys.
 */
export function repositoryKeyFromText(text: Secret): RepositoryKey {
  const plain = text.reveal();
  // 36 bytes in base64url, with blanks where somebody typed it in groups.
  const found = plain.match(/tidemark-key-1:(?:\s*[A-Za-z0-9_-]){48}/g) ?? [];
  const keys = [...new Set(found.map((key) => key.replaceAll(/\s/g, "")))];
  if (keys.length > 1) {
    throw wrongKey("the text holds more than one key", "give the file of one repository's key, or one recovery kit");
  }
  const [key] = keys;
  if (key !== undefined) return { kind: "key-file", text: new Secret(key) };
  if (plain.trimStart().startsWith(keyFileWord)) return { kind: "key-file", text: new Secret(plain.trim()) };
  if (/^\s*AGE-SECRET-KEY-/m.test(plain)) return { kind: "age-identity", text };
  return { kind: "passphrase", text: new Secret(plain.replace(/\r?\n$/, "")) };
}
