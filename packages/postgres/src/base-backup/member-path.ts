import { AppError } from "@tidemark/kit";

/**
 * The place, relative to the data directory, of an archive's member: without a leading `./` (13–18 write
 * `./pg_wal/archive_status`) and without a trailing slash; members of tablespace `oid` below `pg_tblspc/<oid>/`.
 *
 * A server that was taken over must not write outside of the directory a backup is restored to (CVE-2026-6475).
 *
 * @throws AppError `backup-member-refused` for absolute names, names with a `..`, `.` or empty part, and no name.
 */
export function memberPath(name: Uint8Array, oid: number | null): Uint8Array {
  let from = 0;
  let end = name.length;
  if (name[0] === dot && name[1] === slash) from = 2;
  if (end > from && name[end - 1] === slash) end--;
  if (!hasSafeParts(name, from, end)) throw refused(name);
  const path = name.subarray(from, end);
  return oid === null ? path : Buffer.concat([Buffer.from(`pg_tblspc/${oid}/`), path]);
}

const dot = 0x2e;
const slash = 0x2f;

function hasSafeParts(name: Uint8Array, from: number, end: number): boolean {
  let partStart = from;
  for (let at = from; at <= end; at++) {
    if (at < end && name[at] !== slash) continue;
    const length = at - partStart;
    if (length === 0 || (length <= 2 && name[partStart] === dot && name[at - 1] === dot)) return false;
    partStart = at + 1;
  }
  return true;
}

function refused(name: Uint8Array): AppError {
  return new AppError("backup-member-refused", {
    message: `the server sent a file named ${JSON.stringify(Buffer.from(name).toString("utf8"))}, which leads out of the data directory`,
    hint: "a genuine PostgreSQL server does not; nothing was written under that name",
  });
}
