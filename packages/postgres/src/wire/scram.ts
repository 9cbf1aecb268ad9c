import { createHash, createHmac, pbkdf2, timingSafeEqual, X509Certificate } from "node:crypto";
import { promisify } from "node:util";
import { AppError } from "@tidemark/kit";
import { saslprep } from "./saslprep.ts";

/** How the TLS channel is bound to the login (RFC 5802, gs2-header). */
export type ChannelBinding =
  /** We could, the server does not offer it: `y` (a man in the middle who removed the offer is found out). */
  | { readonly kind: "not-offered" }
  /** We cannot (no TLS, or a certificate without a defined hash). */
  | { readonly kind: "none" }
  /** SCRAM-SHA-256-PLUS with tls-server-end-point: the hash of the server's certificate (RFC 5929 §4). */
  | { readonly kind: "server-end-point"; readonly certificateHash: Uint8Array };

/**
 * The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677; PostgreSQL manual, "SASL Authentication"). No I/O.
 *
 * Order: `first` → `continue(server-first)` → `finish(server-final)`. The user name stays empty: the server knows it
 * from the startup message.
 */
export class ScramClient {
  readonly #password: string;
  readonly #nonce: string;
  readonly #gs2Header: string;
  readonly #bindingData: Uint8Array;
  #serverSignature: Buffer | null = null;

  /** `nonce`: 18 random bytes in base64, as libpq has it. */
  constructor(password: string, nonce: string, binding: ChannelBinding) {
    this.#password = saslprep(password);
    this.#nonce = nonce;
    this.#gs2Header = gs2Headers[binding.kind];
    this.#bindingData = binding.kind === "server-end-point" ? binding.certificateHash : new Uint8Array(0);
  }

  first(): Uint8Array {
    return Buffer.from(`${this.#gs2Header}${this.#firstBare}`);
  }

  get #firstBare(): string {
    return `n=,r=${this.#nonce}`;
  }

  /**
   * Answers the server's salt and iteration count with the proof. Key derivation runs in the thread pool.
   *
   * @throws AppError `protocol-violation` for a malformed or dishonest message.
   */
  async continue(serverFirst: Uint8Array): Promise<Uint8Array> {
    const text = Buffer.from(serverFirst).toString("utf8");
    const match = /^r=([!-+\--~]+),s=([A-Za-z0-9+/]+={0,2}),i=([1-9]\d{0,7})$/.exec(text);
    if (match === null) throw dishonest("its first SCRAM message is malformed");
    const [, nonce, salt, iterations] = match as unknown as [string, string, string, string];
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) {
      throw dishonest("its SCRAM nonce does not continue ours");
    }
    const binding = Buffer.concat([Buffer.from(this.#gs2Header), this.#bindingData]).toString("base64");
    const finalBare = `c=${binding},r=${nonce}`;
    const authMessage = `${this.#firstBare},${text},${finalBare}`;
    const salted = await derive(this.#password, Buffer.from(salt, "base64"), Number(iterations), 32, "sha256");
    const clientKey = hmac(salted, "Client Key");
    const clientSignature = hmac(createHash("sha256").update(clientKey).digest(), authMessage);
    const proof = clientKey.map((byte, index) => byte ^ (clientSignature[index] as number));
    this.#serverSignature = hmac(hmac(salted, "Server Key"), authMessage);
    return Buffer.from(`${finalBare},p=${Buffer.from(proof).toString("base64")}`);
  }

  /**
   * Checks that the server knows the password too.
   *
   * @throws AppError `protocol-violation` when it does not.
   */
  finish(serverFinal: Uint8Array): void {
    const match = /^v=([A-Za-z0-9+/]+={0,2})$/.exec(Buffer.from(serverFinal).toString("utf8"));
    const signature = Buffer.from(match?.[1] ?? "", "base64");
    const expected = this.#serverSignature;
    if (expected === null || signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      throw dishonest("it does not know the password's verifier");
    }
  }
}

/**
 * The tls-server-end-point value of a certificate: its hash with the hash function of its own signature, SHA-256 where
 * that is MD5 or SHA-1 (RFC 5929 §4.1). Null for signatures that name none (Ed25519, RSA-PSS).
 */
export function certificateHash(derBytes: Uint8Array): Uint8Array | null {
  const name = new X509Certificate(derBytes).signatureAlgorithm ?? "";
  if (/^(?:md5|sha1)With|-with-SHA1$/i.test(name)) return createHash("sha256").update(derBytes).digest();
  const match = /sha-?(224|256|384|512)/i.exec(name);
  return match === null ? null : createHash(`sha${match[1]}`).update(derBytes).digest();
}

const gs2Headers = { "not-offered": "y,,", none: "n,,", "server-end-point": "p=tls-server-end-point,," } as const;
const derive = promisify(pbkdf2);

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function dishonest(why: string): AppError {
  return new AppError("protocol-violation", {
    message: `the server failed to prove itself: ${why}`,
    hint: "the password was not given away; make sure that this is the right server",
  });
}
