import { createHash, randomBytes } from "node:crypto";

/** `tmk_` and 32 random bytes: nothing to guess, so a fast hash of it is enough. */
export interface NewTokenText {
  readonly text: string;
  /** What is shown of it for ever: `tmk_` and eight characters. */
  readonly prefix: string;
  readonly hash: string;
}

export function makeTokenText(): NewTokenText {
  const text = `tmk_${randomBytes(32).toString("base64url")}`;
  return { text, prefix: text.slice(0, "tmk_".length + 8), hash: hashToken(text) };
}

/** SHA-256, lower-case hex, as the store keeps it. */
export function hashToken(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
