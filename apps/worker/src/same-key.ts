import type { RepositoryKey } from "@tidemark/repository";

/** Whether one opens what the other does, however each was written down: an identity's file has remarks and blanks in it. */
export function isSameKey(one: RepositoryKey, other: RepositoryKey): boolean {
  if (one.kind !== other.kind) return false;
  const [mine, theirs] = [one, other].map(({ text }) => text.reveal()) as [string, string];
  if (one.kind !== "age-identity") return mine === theirs;
  const known = new Set(identitiesOf(mine));
  return identitiesOf(theirs).some((identity) => known.has(identity));
}

function identitiesOf(text: string): readonly string[] {
  return [...text.matchAll(/AGE-SECRET-KEY-1[A-Z0-9]+/gi)].map(([identity]) => identity.toUpperCase());
}
