import { AppError } from "@tidemark/kit";
import type { SqlSession } from "../session/sql-session.ts";
import { type ActOptions, onlyRow } from "./act-outcome.ts";

/** What decides whether an act can be done at all. */
export interface ActState {
  readonly major: number;
  readonly inRecovery: boolean;
  readonly walLevel: string;
  readonly maxReplicationSlots: number;
}

/**
 * A primary stays one as long as a session to it lives (only a restart makes a standby), and `wal_level` needs a
 * restart too: for what must be done on a primary, asking first is exact, where the SQLSTATE lumps reasons together.
 */
export async function readActState(session: SqlSession, options: ActOptions = {}): Promise<ActState> {
  const row = onlyRow(
    await session.query<ActState & { readonly maxReplicationSlots: number }>(stateQuestion, [], options),
    "its state",
  );
  return row;
}

const stateQuestion = `
  SELECT pg_catalog.current_setting('server_version_num')::int4 / 10000 AS major,
         pg_catalog.pg_is_in_recovery() AS "inRecovery",
         pg_catalog.current_setting('wal_level') AS "walLevel",
         pg_catalog.current_setting('max_replication_slots')::int4 AS "maxReplicationSlots"`;

/** @throws AppError `server-in-recovery`, `wal-level-minimal`. */
export function assertWritesWal(state: ActState, what: string): void {
  if (state.inRecovery) throw inRecovery(what);
  if (state.walLevel === "minimal") {
    throw new AppError("wal-level-minimal", {
      message: `${what} needs more WAL than wal_level = minimal writes`,
      hint: "set wal_level = 'replica' and restart the server",
    });
  }
}

export function inRecovery(what: string): AppError {
  return new AppError("server-in-recovery", {
    message: `${what} is for a primary, and this server is a standby (or recovers)`,
    hint: "ask its primary",
  });
}
