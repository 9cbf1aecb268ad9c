import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import type { Secret } from "@tidemark/kit";

/** What a server keeps of a password for SCRAM-SHA-256 (RFC 5802): from it nobody can log in elsewhere. */
export interface ScramVerifier {
  readonly salt: Buffer;
  readonly iterations: number;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** The password must be ASCII: then its SASLprep form is itself. */
export async function scramVerifier(password: Secret): Promise<ScramVerifier> {
  const salt = randomBytes(16);
  const salted = await derive(password.reveal(), salt, iterations, 32, "sha256");
  return { salt, iterations, storedKey: sha256(hmac(salted, "Client Key")), serverKey: hmac(salted, "Server Key") };
}

/** One login: the client's first message in, our first out; its last in, our last out, or null when it is refused. */
export class ScramExchange {
  readonly #verifier: ScramVerifier;
  #header = "";
  #clientFirst = "";
  #serverFirst = "";
  #nonce = "";

  constructor(verifier: ScramVerifier) {
    this.#verifier = verifier;
  }

  /** Null for what is no such message, or asks for channel binding, which there is none of here. */
  begin(message: string): string | null {
    // gs2-header, then `n=<user>,r=<nonce>`; PostgreSQL takes the user from the startup message (auth-scram.c).
    const parts = /^([ny],,)(n=[^,]*,r=([\x21-\x2b\x2d-\x7e]+))$/.exec(message);
    if (parts === null) return null;
    this.#header = parts[1] ?? "";
    this.#clientFirst = parts[2] ?? "";
    this.#nonce = `${parts[3]}${randomBytes(18).toString("base64")}`;
    const { salt } = this.#verifier;
    this.#serverFirst = `r=${this.#nonce},s=${salt.toString("base64")},i=${this.#verifier.iterations}`;
    return this.#serverFirst;
  }

  finish(message: string): string | null {
    const parts = /^(c=([^,]+),r=([^,]+)),p=([A-Za-z0-9+/=]+)$/.exec(message);
    if (parts === null || this.#nonce === "") return null;
    const [, unproved = "", binding = "", nonce = "", proofText = ""] = parts;
    const proof = Buffer.from(proofText, "base64");
    const isOurs = nonce === this.#nonce && Buffer.from(binding, "base64").toString() === this.#header;
    if (!isOurs || proof.length !== 32) return null;
    const { storedKey, serverKey } = this.#verifier;
    const all = `${this.#clientFirst},${this.#serverFirst},${unproved}`;
    const signature = hmac(storedKey, all);
    const clientKey = Buffer.from(proof.map((byte, at) => byte ^ (signature[at] ?? 0)));
    if (!timingSafeEqual(sha256(clientKey), storedKey)) return null;
    return `v=${hmac(serverKey, all).toString("base64")}`;
  }
}

const derive = promisify(pbkdf2);

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function sha256(bytes: Buffer): Buffer {
  return createHash("sha256").update(bytes).digest();
}

/** As PostgreSQL's scram_iterations. */
const iterations = 4096;
