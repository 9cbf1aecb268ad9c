import { isLeftToRight, isProhibited, isRightToLeft, isUnassigned } from "./saslprep-tables.ts";

/**
 * A password as SCRAM takes it: prepared by SASLprep (RFC 4013), or as it is where that may not be prepared. Exactly as
 * the server did when the password was set (src/common/saslprep.c): it looks at what was mapped, before NFKC, so that
 * one character it does not know leaves all of the password alone.
 */
export function saslprep(password: string): string {
  const mapped = password.replace(otherSpaces, " ").replace(mappedToNothing, "");
  if (mapped === "" || !isAllowed(mapped)) return password;
  return mapped.normalize("NFKC");
}

/** RFC 3454, table C.1.2; U+200B is in both tables, and the server maps it to a space. */
const otherSpaces = /[\u00A0\u1680\u2000-\u200B\u202F\u205F\u3000]/g;
/** RFC 3454, table B.1. */
const mappedToNothing = /\u00AD|\u034F|\u1806|[\u180B-\u180D]|[\u200C\u200D]|\u2060|[\uFE00-\uFE0F]|\uFEFF/g;

function isAllowed(text: string): boolean {
  const codePoints = Array.from(text, (character) => character.codePointAt(0) as number);
  if (codePoints.some((codePoint) => isProhibited(codePoint) || isUnassigned(codePoint))) return false;
  if (!codePoints.some(isRightToLeft)) return true;
  // RFC 3454 §6: right to left at both ends, and nothing the other way between.
  const [first = 0, last = 0] = [codePoints[0], codePoints.at(-1)];
  return isRightToLeft(first) && isRightToLeft(last) && !codePoints.some(isLeftToRight);
}
