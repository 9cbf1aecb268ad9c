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
