import { createHash, randomBytes } from "node:crypto";
import { AppError, type Secret } from "@tidemark/kit";
import type { AuthMethod, ChannelBindingMode, RequiredAuth } from "../connection/connection-settings.ts";
import { encodePassword, encodeSaslInitial, encodeSaslResponse } from "./frontend-messages.ts";
import { type ChannelBinding, certificateHash, ScramClient } from "./scram.ts";

export interface LoginFacts {
  readonly user: string;
  readonly password: Secret | null;
  /** The channel cannot be listened to: TLS or a Unix socket. */
  readonly isPrivate: boolean;
  /** The server's certificate in DER, when TLS is spoken. */
  readonly serverCertificate: Uint8Array | null;
  readonly channelBinding: ChannelBindingMode;
  readonly requireAuth: RequiredAuth | null;
}

/**
 * Answers the server's authentication requests, for both kinds of session. No I/O: one request in, one message (or
 * none) out.
 *
 * Cleartext passwords are only given on a private channel. A server that asks for SCRAM and then says "ok" before it
 * has proved itself is refused, and so is, with channel_binding=require, every login that is not bound to the channel.
 */
export class Authenticator {
  readonly #facts: LoginFacts;
  #scram: ScramClient | null = null;
  #isProved = true;
  #isBound = false;
  #method: AuthMethod = "none";

  constructor(facts: LoginFacts) {
    this.#facts = facts;
  }

  /** How we were asked, for people: `scram-sha-256 with channel binding`. */
  get summary(): string {
    if (this.#method === "none") return "the server asked for no proof (trust, peer or a client certificate)";
    return `${this.#method}${this.#isBound ? ", bound to the TLS channel" : ""}`;
  }

  /**
   * @returns the message to send, or null when there is nothing to say.
   * @throws AppError `password-missing`, `auth-method-unsupported`, `protocol-violation`.
   */
  async answer(method: number, payload: Uint8Array): Promise<Buffer | null> {
    switch (method) {
      case authentication.ok:
        this.#finish();
        return null;
      case authentication.cleartext:
        this.#begin("password");
        if (!this.#facts.isPrivate) throw cleartextRefused();
        return encodePassword(this.#password());
      case authentication.md5:
        this.#begin("md5");
        if (payload.length !== 4) throw violation("the server asked for an md5 login with a malformed salt");
        return encodePassword(md5Answer(this.#facts.user, this.#password(), payload));
      case authentication.sasl:
        this.#begin("scram-sha-256");
        this.#isProved = false;
        return this.#beginScram(payload);
      case authentication.saslContinue:
        return encodeSaslResponse(await this.#running().continue(new Uint8Array(payload)));
      case authentication.saslFinal:
        this.#running().finish(payload);
        this.#isProved = true;
        return null;
      default:
        throw unsupported(unsupportedMethods.get(method) ?? `method ${method}`);
    }
  }

  /** Refuses before anything is given away what channel_binding and require_auth do not allow. */
  #begin(method: AuthMethod): void {
    this.#checkAllowed(method);
    this.#method = method;
    if (this.#facts.channelBinding === "require" && method !== "scram-sha-256")
      throw bindingRequired(`asks for ${method}`);
  }

  #finish(): void {
    if (!this.#isProved) throw violation("the server ended the SCRAM login before proving itself");
    if (this.#method === "none") this.#checkAllowed("none");
    if (this.#facts.channelBinding === "require" && !this.#isBound) throw bindingRequired("lets us in without");
  }

  #checkAllowed(method: AuthMethod): void {
    const wanted = this.#facts.requireAuth;
    if (wanted === null || wanted.methods.includes(method) === wanted.allow) return;
    throw new AppError("auth-method-unsupported", {
      message:
        method === "none"
          ? "the server lets us in without asking for a proof, which require_auth does not allow"
          : `the server asks for a login by ${method}, which require_auth does not allow; nothing was sent`,
      hint: "correct the method in the pg_hba.conf line of this role, or require_auth in the connection string",
    });
  }

  #beginScram(payload: Uint8Array): Buffer {
    const offered = Buffer.from(payload)
      .toString("utf8")
      .split("\0")
      .filter((name) => name !== "");
    const binding = this.#channelBinding(offered.includes("SCRAM-SHA-256-PLUS"));
    this.#isBound = binding.kind === "server-end-point";
    if (this.#facts.channelBinding === "require" && !this.#isBound) throw bindingRequired("cannot bind the login");
    const mechanism = this.#isBound ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256";
    if (!offered.includes(mechanism)) throw unsupported(offered.join(", "));
    this.#scram = new ScramClient(this.#password(), randomBytes(18).toString("base64"), binding);
    return encodeSaslInitial(mechanism, this.#scram.first());
  }

  #channelBinding(isOffered: boolean): ChannelBinding {
    const { serverCertificate, channelBinding } = this.#facts;
    if (channelBinding === "disable") return { kind: "none" };
    const hash = serverCertificate === null ? null : certificateHash(serverCertificate);
    if (hash === null) return { kind: "none" };
    return isOffered ? { kind: "server-end-point", certificateHash: hash } : { kind: "not-offered" };
  }

  #running(): ScramClient {
    if (this.#scram === null) throw violation("the server went on with a SCRAM login that was not begun");
    return this.#scram;
  }

  #password(): string {
    if (this.#facts.password !== null) return this.#facts.password.reveal();
    throw new AppError("password-missing", {
      message: `the server asks for the password of "${this.#facts.user}" and none is known`,
      hint: "put the password into the connection string",
    });
  }
}

/** The codes of an Authentication message. */
const authentication = { ok: 0, cleartext: 3, md5: 5, sasl: 10, saslContinue: 11, saslFinal: 12 } as const;
const unsupportedMethods: ReadonlyMap<number, string> = new Map([
  [2, "Kerberos V5"],
  [6, "SCM credentials"],
  [7, "GSSAPI"],
  [8, "GSSAPI"],
  [9, "SSPI"],
]);

/** `md5` and the hex of md5(md5(password + user) + salt). */
export function md5Answer(user: string, password: string, salt: Uint8Array): string {
  const inner = createHash("md5").update(`${password}${user}`, "utf8").digest("hex");
  return `md5${createHash("md5").update(inner).update(salt).digest("hex")}`;
}

function cleartextRefused(): AppError {
  return new AppError("auth-method-unsupported", {
    message: "the server asks for the password in clear text on a connection that is not encrypted; it was not sent",
    hint: "use sslmode=require, or the method scram-sha-256 in pg_hba.conf",
  });
}

function bindingRequired(what: string): AppError {
  return new AppError("auth-method-unsupported", {
    message: `channel_binding=require wants a login that is bound to the TLS channel, and the server ${what}`,
    hint: "it takes TLS and the method scram-sha-256 in the pg_hba.conf line of this role; or use channel_binding=prefer",
  });
}

function unsupported(name: string): AppError {
  return new AppError("auth-method-unsupported", {
    message: `the server asks for a login by ${name}, which Tidemark does not know`,
    hint: "use the method scram-sha-256 in the pg_hba.conf line of this role",
  });
}

function violation(message: string): AppError {
  return new AppError("protocol-violation", { message, hint: "make sure that this is the right server" });
}
