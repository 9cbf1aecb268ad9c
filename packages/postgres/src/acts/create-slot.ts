import { AppError } from "@tidemark/kit";
import { type Lsn, parseLsn } from "../files/lsn.ts";
import type { SqlSession } from "../session/sql-session.ts";
import { type ActOptions, act, onlyRow } from "./act-outcome.ts";
import { readActState } from "./act-state.ts";

export interface CreateSlotRequest {
  readonly name: string;
  /** Holds WAL from now on; else from its first use. */
  readonly reserveWal: boolean;
}

export interface CreatedSlot {
  readonly name: string;
  /** The oldest WAL it holds; null unless WAL was reserved. */
  readonly restartLsn: Lsn | null;
}

/**
 * Creates a physical replication slot that stays until dropped; on a primary or a standby.
 *
 * Privilege: the attribute REPLICATION (or superuser); no grant stands for it.
 *
 * @throws AppError `slot-exists`, `replication-slots-exhausted`, `wal-level-minimal`, `replication-not-permitted`,
 * `bad-request` for a name PostgreSQL would refuse.
 */
export async function createSlot(
  session: SqlSession,
  request: CreateSlotRequest,
  options: ActOptions = {},
): Promise<CreatedSlot> {
  const { name, reserveWal } = request;
  assertSlotName(name);
  const what = `creating the slot "${name}"`;
  const rows = await act(what, async () => {
    try {
      return await session.query<{ lsn: string | null }>(
        "SELECT lsn::text AS lsn FROM pg_catalog.pg_create_physical_replication_slot($1, $2)",
        [name, reserveWal],
        options,
      );
    } catch (error) {
      throw await explainSlotsUnavailable(session, error);
    }
  });
  const { lsn } = onlyRow(rows, what);
  return { name, restartLsn: lsn === null ? null : parseLsn(lsn) };
}

/** slot.c, ReplicationSlotValidateName: 1 to 63 (NAMEDATALEN - 1) of these. */
export function assertSlotName(name: string): void {
  if (/^[a-z0-9_]{1,63}$/.test(name)) return;
  throw new AppError("bad-request", { message: "a slot's name has 1 to 63 of a-z, 0-9 and _", context: { name } });
}

/** 55000 from CheckSlotRequirements lumps together wal_level and max_replication_slots = 0. */
export async function explainSlotsUnavailable(session: SqlSession, error: unknown): Promise<unknown> {
  if (!(error instanceof AppError) || error.context.routine !== "CheckSlotRequirements") return error;
  const none = (await readActState(session)).maxReplicationSlots === 0;
  return new AppError(none ? "replication-slots-exhausted" : "wal-level-minimal", {
    message: error.message,
    hint: none ? "raise max_replication_slots and restart" : "set wal_level = 'replica' and restart the server",
    context: error.context,
    cause: error,
  });
}
