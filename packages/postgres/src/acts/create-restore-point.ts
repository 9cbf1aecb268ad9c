import { AppError } from "@tidemark/kit";
import { type Lsn, parseLsn } from "../files/lsn.ts";
import type { SqlSession } from "../session/sql-session.ts";
import { type ActOptions, act, onlyRow } from "./act-outcome.ts";
import { assertWritesWal, readActState } from "./act-state.ts";

export interface RestorePoint {
  readonly name: string;
  /** The end of its record; recovery to the name stops there. */
  readonly lsn: Lsn;
}

/**
 * Writes a named place into the WAL that recovery can stop at (`recovery_target_name`). Names may repeat; recovery
 * stops at the first.
 *
 * Privilege: EXECUTE on `pg_create_restore_point(text)`.
 *
 * @throws AppError `bad-request` for a name that is empty or longer than 63 bytes, `server-in-recovery`,
 * `wal-level-minimal`, `privilege-missing`.
 */
export async function createRestorePoint(
  session: SqlSession,
  name: string,
  options: ActOptions = {},
): Promise<RestorePoint> {
  assertRestorePointName(name);
  const what = `the restore point "${name}"`;
  assertWritesWal(await readActState(session, options), what);
  const rows = await act(what, () =>
    session.query<{ lsn: string }>("SELECT pg_catalog.pg_create_restore_point($1)::text AS lsn", [name], options),
  );
  return { name, lsn: parseLsn(onlyRow(rows, what).lsn) };
}

/** xlogfuncs.c: at most MAXFNAMELEN - 1 bytes; recovery compares bytes. Zero bytes end a text. */
function assertRestorePointName(name: string): void {
  const bytes = Buffer.byteLength(name, "utf8");
  if (bytes >= 1 && bytes <= maxNameBytes && !name.includes("\0")) return;
  throw new AppError("bad-request", {
    message: `a restore point's name has 1 to ${maxNameBytes} bytes, and this one has ${bytes}`,
    hint: "letters beyond ASCII take more than one byte",
  });
}

const maxNameBytes = 63;
