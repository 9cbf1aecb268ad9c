import { createPrivateKey, createPublicKey } from "node:crypto";
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { AppError } from "./app-error.ts";
import { Secret } from "./secret.ts";

/** A pair for `seal` and `openSealed`; both halves are text (a word, then base64url of 32 bytes). */
export interface SealingKeys {
  readonly publicKey: string;
  readonly privateKey: Secret;
}

/** Makes a new pair. */
export async function newSealingKeys(): Promise<SealingKeys> {
  const pair = await suite.kem.generateKeyPair();
  return {
    publicKey: publicWord + encode(await suite.kem.serializePublicKey(pair.publicKey)),
    privateKey: new Secret(privateWord + encode(await suite.kem.serializePrivateKey(pair.privateKey))),
  };
}

/** The public half that belongs to a private key. Throws `worker-key-missing` for text that is no private key. */
export async function publicKeyOf(privateKey: Secret): Promise<string> {
  const scalar = decodeKey(privateKey.reveal(), privateWord);
  // X25519 of the base point (RFC 7748 §6.1), through the JSON form in which WebCrypto gives the public part.
  const der = Buffer.concat([pkcs8Head, new Uint8Array(scalar)]);
  const jwk = createPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" })).export({ format: "jwk" });
  return publicWord + String(jwk.x);
}

/**
 * Seals text for whoever has the private key (HPKE of RFC 9180, base mode: X25519, HKDF-SHA256, AES-256-GCM). Gives base64:
 * a version byte, the encapsulated key (32 bytes), the ciphertext. The sealer itself cannot open it again.
 */
export async function seal(publicKey: string, text: string): Promise<string> {
  const recipientPublicKey = await suite.kem.deserializePublicKey(decodeKey(publicKey, publicWord));
  const sender = await suite.createSenderContext({ recipientPublicKey, info });
  const body = await sender.seal(new TextEncoder().encode(text));
  return Buffer.concat([Uint8Array.of(formatByte), new Uint8Array(sender.enc), new Uint8Array(body)]).toString(
    "base64",
  );
}

/** Opens what `seal` made. Throws `secret-unreadable` when it was sealed for another key or was changed. */
export async function openSealed(privateKey: Secret, sealed: string): Promise<Secret> {
  const bytes = Buffer.from(sealed, "base64");
  if (bytes[0] !== formatByte || bytes.length < 1 + keyBytes + tagBytes)
    throw unreadable("it is no sealed text of ours");
  try {
    const recipientKey = await suite.kem.deserializePrivateKey(decodeKey(privateKey.reveal(), privateWord));
    const enc = exact(bytes.subarray(1, 1 + keyBytes));
    const recipient = await suite.createRecipientContext({ recipientKey, enc, info });
    const plain = await recipient.open(exact(bytes.subarray(1 + keyBytes)));
    return new Secret(new TextDecoder().decode(plain));
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw unreadable("it was sealed for another key, or changed", cause);
  }
}

/** Whether `seal` would take this text as a public key. */
export function isPublicKey(text: string): boolean {
  return text.startsWith(publicWord) && Buffer.from(text.slice(publicWord.length), "base64url").length === keyBytes;
}

function decodeKey(text: string, word: string): ArrayBuffer {
  const bytes = Buffer.from(text.trim().slice(word.length), "base64url");
  if (text.trim().startsWith(word) && bytes.length === keyBytes) return exact(bytes);
  throw new AppError("worker-key-missing", {
    message: `the text given as a key does not look like ${word}…`,
    hint: "a worker's key file is one line; all workers share the same one",
  });
}

/** A buffer of its own: small Buffers share one pool, and WebCrypto takes whole ArrayBuffers. */
function exact(bytes: Uint8Array): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}

function encode(bytes: ArrayBuffer): string {
  return Buffer.from(bytes).toString("base64url");
}

function unreadable(why: string, cause?: unknown): AppError {
  return new AppError("secret-unreadable", {
    message: `a stored secret cannot be opened: ${why}`,
    hint: "every worker needs the key file the instance was set up with; otherwise enter the secret again",
    cause,
  });
}

const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
/** Binds what is sealed to this use (RFC 9180, section 8.1). */
const info = new TextEncoder().encode("tidemark sealed text 1").buffer;
const publicWord = "tidemark-seal-1:";
const privateWord = "tidemark-open-1:";
const formatByte = 1;
const keyBytes = 32;
const tagBytes = 16;
/** PKCS #8 of an X25519 private key up to its 32 bytes (RFC 8410, section 7). */
const pkcs8Head = Buffer.from("302e020100300506032b656e04220420", "hex");
