import { setTimeout as delay } from "node:timers/promises";
import { AppError, type Clock, systemClock } from "@tidemark/kit";
import type { SqlSession } from "../session/sql-session.ts";
import { act } from "./act-outcome.ts";
import { explainSlotsUnavailable } from "./create-slot.ts";
import { planSlotDrop, type SlotDropPlan } from "./plan-slot-drop.ts";

export interface DroppedSlot {
  readonly name: string;
  /** The process that was ended for it; null when nobody streamed. */
  readonly endedPid: number | null;
}

export interface DropSlotOptions {
  /** How long an ended session may take to let go of the slot. 10,000 unless given. */
  readonly releaseMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Drops the slot of a plan that was shown. Refuses with `plan-stale` when it is no longer as the plan saw it.
 *
 * Order for the crash: whoever streams is ended first, the slot goes after. If we die in between, the slot is still
 * there and its client comes back to it: nothing is lost.
 *
 * Privilege: REPLICATION (or superuser). Ending the session of another role also needs pg_signal_backend, and that of
 * a superuser a superuser (signalfuncs.c, pg_signal_backend).
 *
 * @throws AppError `plan-stale`, `slot-missing`, `slot-in-use`, `replication-not-permitted`, `privilege-missing`.
 */
export async function dropSlot(
  session: SqlSession,
  plan: Pick<SlotDropPlan, "name" | "planHash">,
  options: DropSlotOptions = {},
): Promise<DroppedSlot> {
  const seen = await planSlotDrop(session, plan.name);
  if (seen.planHash !== plan.planHash) throw stale(plan.name);
  if (seen.activePid === null) {
    await drop(session, plan.name);
    return { name: plan.name, endedPid: null };
  }
  await assertMayDropSlots(session);
  await end(session, plan.name, seen.activePid);
  try {
    await dropOnceReleased(session, seen, options);
  } catch (error) {
    throw afterEnding(error);
  }
  return { name: plan.name, endedPid: seen.activePid };
}

/** The slot may be as it was, but its client was cut off: whoever asked must hear of that, too. */
function afterEnding(error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  return new AppError(error.code, {
    message: `${error.message}; the session that streamed from it was ended before`,
    hint: error.hint,
    context: error.context,
    cause: error,
  });
}

/**
 * A standby is back within milliseconds of losing its session, often before the slot can be dropped: the same user again
 * is the use that was shown, and is ended again. Another one is not.
 */
async function dropOnceReleased(session: SqlSession, shown: SlotDropPlan, options: DropSlotOptions): Promise<void> {
  const clock = options.clock ?? systemClock;
  const startedMs = clock.monotonicMs();
  let endedPid = shown.activePid;
  for (;;) {
    try {
      await drop(session, shown.name);
      return;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      // A temporary slot goes with the session that held it.
      if (error.code === "slot-missing") return;
      if (error.code !== "slot-in-use") throw error;
      if (clock.monotonicMs() - startedMs > (options.releaseMs ?? 10_000)) throw error;
    }
    const { activePid, user } = await lookAgain(session, shown.name);
    if (activePid !== null && activePid !== endedPid) {
      if (user === null || user !== shown.user) throw stale(shown.name);
      endedPid = activePid;
      await end(session, shown.name, activePid);
    } else {
      await delay(pollMs);
    }
  }
}

/** Nobody's when the slot went meanwhile: dropping it again says so. */
async function lookAgain(session: SqlSession, name: string): Promise<Pick<SlotDropPlan, "activePid" | "user">> {
  try {
    return await planSlotDrop(session, name);
  } catch (error) {
    if (error instanceof AppError && error.code === "slot-missing") return { activePid: null, user: null };
    throw error;
  }
}

const pollMs = 5;

/** From 14 on the server waits itself until the session is gone, so that the drop comes before its client does. */
async function end(session: SqlSession, name: string, pid: number): Promise<void> {
  const question = session.major >= 14 ? endAndWaitQuestion : endQuestion;
  await act(`ending the session that streams from the slot "${name}"`, () => session.query(question, [name, pid]));
}

async function drop(session: SqlSession, name: string): Promise<void> {
  await act(`dropping the slot "${name}"`, async () => {
    try {
      await session.query("SELECT pg_catalog.pg_drop_replication_slot($1)", [name]);
    } catch (error) {
      throw await explainSlotsUnavailable(session, error);
    }
  });
}

/** Before a session is ended: a role that may end it but not drop the slot would only do harm. */
async function assertMayDropSlots(session: SqlSession): Promise<void> {
  const [row] = await session.query<{ may: boolean }>(
    "SELECT rolsuper OR rolreplication AS may FROM pg_catalog.pg_roles WHERE rolname = current_user",
  );
  if (row?.may === true) return;
  throw new AppError("replication-not-permitted", {
    message: "this role may not drop replication slots; nobody's session was ended",
    hint: "the role needs the REPLICATION attribute: ALTER ROLE … REPLICATION",
  });
}

function stale(name: string): AppError {
  return new AppError("plan-stale", {
    message: `the slot "${name}" is no longer as it was shown, and was not dropped`,
    hint: "look at it again and decide anew",
    context: { name },
  });
}

/** Only while the process still holds this slot: its number may have gone to somebody else's session. */
const endQuestion = `
  SELECT pg_catalog.pg_terminate_backend(active_pid)
    FROM pg_catalog.pg_replication_slots
   WHERE slot_name = $1 AND active_pid = $2`;
const endAndWaitQuestion = endQuestion.replace("(active_pid)", "(active_pid, 2000)");
