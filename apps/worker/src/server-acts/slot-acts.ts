import type { ServerAct, ServerActResult, SlotDropPlan } from "@tidemark/jobs";
import { createSlot, dropSlot, formatLsn, planSlotDrop, type SqlSession } from "@tidemark/postgres";
import { isOwnSlot } from "../inspect/own-slots.ts";

type Act<Kind extends ServerAct["kind"]> = Extract<ServerAct, { kind: Kind }>;

/** Creates a physical slot that stays until dropped. */
export async function createSlotAct(
  session: SqlSession,
  { name, reserveWal }: Act<"create-slot">,
): Promise<ServerActResult> {
  const { restartLsn } = await createSlot(session, { name, reserveWal });
  const held =
    restartLsn === null ? "it holds no WAL until its first use" : `it holds WAL from ${formatLsn(restartLsn)} on`;
  return {
    kind: "create-slot",
    name,
    restartLsn: restartLsn === null ? null : formatLsn(restartLsn),
    sentence: `the slot ${name} was created; ${held}`,
  };
}

/** What dropping a slot would do; nothing is changed. */
export async function planDropSlotAct(session: SqlSession, { name }: Act<"plan-drop-slot">): Promise<ServerActResult> {
  const { planHash, active, client, retainedBytes, own, consequences } = await planSlotDrop(session, name, {
    isOwn: isOwnSlot,
  });
  const plan: SlotDropPlan = {
    planHash,
    name,
    active,
    client,
    retainedBytes: retainedBytes === null ? null : String(retainedBytes),
    own,
    consequences: [...consequences],
  };
  return { kind: "plan-drop-slot", plan };
}

/** Drops the slot of a plan that was shown, ending who streams from it; `plan-stale` when it is another by now. */
export async function dropSlotAct(session: SqlSession, { name, planHash }: Act<"drop-slot">): Promise<ServerActResult> {
  const { endedPid } = await dropSlot(session, { name, planHash });
  const ended =
    endedPid === null ? "nobody streamed from it" : `the session that streamed from it (process ${endedPid}) was ended`;
  return { kind: "drop-slot", name, sentence: `the slot ${name} was dropped; ${ended}` };
}
