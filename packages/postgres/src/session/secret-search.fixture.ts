import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { inspect } from "node:util";
import type { Logger } from "@tidemark/kit";
import { createLogger } from "@tidemark/kit/logger";
import { expect } from "vitest";

/** Collects everything that a test's code said, to be searched for secrets at the end. */
export class SecretSearch {
  readonly #said: string[] = [];
  /** Writes into the collection. */
  readonly logger: Logger = createLogger({
    name: "test",
    level: "trace",
    destination: { write: (line) => void this.#said.push(line) },
  });

  /** An error with its causes, a report, a row: as JSON and as a debugger would show it. */
  add(value: unknown): void {
    this.#said.push(inspect(value, { depth: 12, showHidden: true }), String(value));
    this.#said.push(
      JSON.stringify(value, (_key, item: unknown) => (typeof item === "bigint" ? String(item) : item)) ?? "",
    );
  }

  /** None of the secrets, in any common encoding, is in what was said; and something was said. */
  expectNone(secrets: readonly string[]): void {
    expect(this.#said.length).toBeGreaterThan(0);
    const forms = secrets.flatMap((secret) => [
      ...[secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)],
      ...[Buffer.from(secret).toString("base64").replace(/=+$/, ""), Buffer.from(secret).toString("hex")],
    ]);
    const found = this.#said.filter((text) => forms.some((form) => text.includes(form)));
    expect(found).toEqual([]);
  }
}

/** What a role's SCRAM login could be forged or guessed with, from its verifier (pg_authid.rolpassword). */
export function scramKeys(verifier: string, password: string): string[] {
  const match = /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)$/.exec(verifier);
  if (match === null) throw new Error("this is no SCRAM verifier");
  const [, iterations, salt, storedKey, serverKey] = match as unknown as [string, string, string, string, string];
  const salted = pbkdf2Sync(password.normalize("NFKC"), Buffer.from(salt, "base64"), Number(iterations), 32, "sha256");
  const clientKey = createHmac("sha256", salted).update("Client Key").digest();
  // A test that computed something else would search for nothing.
  expect(createHash("sha256").update(clientKey).digest("base64")).toBe(storedKey);
  return [salted.toString("base64"), clientKey.toString("base64"), storedKey, serverKey];
}
