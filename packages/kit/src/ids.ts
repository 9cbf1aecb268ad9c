import { decodeTime, ulid } from "ulid";

/**
 * Ids are `<prefix>_<ULID>`: sortable by creation, unique without asking anybody, and the prefix says what they name.
 * The same id is used in rows, URLs, GraphQL, REST, logs and repository paths (hence lower case).
 */
export const idPrefixes = {
  server: "srv",
  repository: "rep",
  backup: "bak",
  run: "run",
  policy: "pol",
  schedule: "sch",
  finding: "fnd",
  pack: "pck",
  mark: "mrk",
  lease: "lea",
  token: "tok",
  audit: "aud",
  worker: "wrk",
  key: "key",
  plan: "pln",
  instance: "ins",
  member: "mem",
  offline: "off",
  gap: "gap",
  clone: "cln",
} as const;

export type IdKind = keyof typeof idPrefixes;

export function newId(kind: IdKind): string {
  return `${idPrefixes[kind]}_${ulid().toLowerCase()}`;
}

/** The kind an id was made for, or null for text that is no id of ours. */
export function idKind(id: string): IdKind | null {
  const match = /^([a-z]{3})_[0-9a-hjkmnp-tv-z]{26}$/.exec(id);
  if (match === null) return null;
  for (const [kind, prefix] of Object.entries(idPrefixes)) {
    if (prefix === match[1]) return kind as IdKind;
  }
  return null;
}

/** When an id of ours was made, to the millisecond, by the clock of its maker; null for text that is no id of ours. */
export function idTime(id: string): Date | null {
  // A ULID holds 48 bits of time; a first digit above 7 would need more.
  return idKind(id) === null || !/^.{4}[0-7]/.test(id) ? null : new Date(decodeTime(id.slice(4).toUpperCase()));
}
