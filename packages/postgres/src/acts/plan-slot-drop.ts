import { createHash } from "node:crypto";
import { AppError, formatBytes } from "@tidemark/kit";
import { type Lsn, parseLsn } from "../files/lsn.ts";
import type { SqlSession } from "../session/sql-session.ts";
import { assertSlotName } from "./create-slot.ts";

/** What dropping a slot would do, as the server stood when it was asked. */
export interface SlotDropPlan {
  /** Of what makes the slot this one in this use: another user of it, or WAL moved on by one, changes the hash. */
  readonly planHash: string;
  readonly name: string;
  readonly kind: "physical" | "logical";
  readonly temporary: boolean;
  readonly active: boolean;
  /** The process that streams from it; the drop ends it. */
  readonly activePid: number | null;
  /** Who that is, in words; null when nobody streams. */
  readonly client: string | null;
  /** The same but for the process, which is another one when the client comes back; null when it may not be known. */
  readonly user: string | null;
  readonly restartLsn: Lsn | null;
  /** WAL kept for it; null when it keeps none. */
  readonly retainedBytes: bigint | null;
  readonly own: boolean;
  /** What will happen, in sentences. */
  readonly consequences: readonly string[];
}

export interface SlotDropOptions {
  /** Whether Tidemark made a slot of this name. */
  readonly isOwn?: ((name: string) => boolean) | undefined;
}

/**
 * Looks at a slot and says what dropping it would do. Nothing is changed. Any role may ask; without pg_read_all_stats
 * the client's address is not shown.
 *
 * @throws AppError `slot-missing`, `bad-request`.
 */
export async function planSlotDrop(
  session: SqlSession,
  name: string,
  options: SlotDropOptions = {},
): Promise<SlotDropPlan> {
  assertSlotName(name);
  const [row] = await session.query<SlotRow>(slotQuestion, [name]);
  if (row === undefined) {
    throw new AppError("slot-missing", {
      message: `the server has no slot "${name}"`,
      hint: "pg_replication_slots lists the slots there are",
      context: { name },
    });
  }
  const facts = {
    name,
    kind: row.slot_type,
    temporary: row.temporary,
    active: row.active,
    activePid: row.active_pid,
    client: row.active_pid === null ? null : clientOf(row),
    user: row.user === null || row.started === null ? null : userOf(row).join(" "),
    restartLsn: row.restart_lsn === null ? null : parseLsn(row.restart_lsn),
    retainedBytes: row.retained === null ? null : maximum(BigInt(row.retained), 0n),
    own: options.isOwn?.(name) ?? false,
  };
  return { planHash: hashOf(row), ...facts, consequences: consequencesOf(facts) };
}

interface SlotRow {
  readonly slot_type: "physical" | "logical";
  readonly plugin: string | null;
  readonly database: string | null;
  readonly temporary: boolean;
  readonly active: boolean;
  readonly active_pid: number | null;
  readonly restart_lsn: string | null;
  readonly retained: string | null;
  readonly user: string | null;
  readonly application: string | null;
  readonly address: string | null;
  readonly started: string | null;
}

const slotQuestion = `
  SELECT s.slot_type, s.plugin::text AS plugin, s.database::text AS database, s.temporary, s.active, s.active_pid,
         s.restart_lsn::text AS restart_lsn,
         pg_catalog.pg_wal_lsn_diff(
           CASE WHEN pg_catalog.pg_is_in_recovery()
                THEN COALESCE(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn())
                ELSE pg_catalog.pg_current_wal_lsn() END,
           s.restart_lsn)::int8::text AS retained,
         a.usename::text AS user, a.application_name AS application, pg_catalog.host(a.client_addr) AS address,
         EXTRACT(EPOCH FROM a.backend_start)::text AS started
    FROM pg_catalog.pg_replication_slots s
    LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = s.active_pid
   WHERE s.slot_name = $1`;

function clientOf(row: SlotRow): string {
  return [...userOf(row), `(process ${row.active_pid})`].join(" ");
}

function userOf(row: SlotRow): string[] {
  const parts = [
    row.application === null || row.application === "" ? null : `"${row.application}"`,
    row.user === null ? null : `as role "${row.user}"`,
    row.address === null ? null : `from ${row.address}`,
  ];
  return parts.filter((part) => part !== null);
}

/**
 * The restart position of a slot in use moves all the time and is left out; that of one at rest moves only when
 * somebody used it meanwhile. A process id comes again, hence the start of its session where it may be read.
 */
function hashOf(row: SlotRow): string {
  const seen = {
    kind: row.slot_type,
    plugin: row.plugin,
    database: row.database,
    temporary: row.temporary,
    activePid: row.active_pid,
    sessionStart: row.active_pid === null ? null : row.started,
    restartLsn: row.active_pid === null ? row.restart_lsn : null,
  };
  return createHash("sha256").update(JSON.stringify(seen)).digest("hex");
}

function consequencesOf(facts: Omit<SlotDropPlan, "planHash" | "consequences">): string[] {
  const sentences: string[] = [];
  if (facts.client !== null) {
    sentences.push(
      `The session of ${facts.client}, which streams from the slot now, is ended; it cannot go on from the slot.`,
    );
  }
  if (facts.retainedBytes !== null) {
    sentences.push(
      `The server no longer keeps the ${formatBytes(facts.retainedBytes)} of WAL the slot holds back; a client that has not read them cannot catch up from here.`,
    );
  } else {
    sentences.push("The slot holds no WAL back.");
  }
  if (facts.own)
    sentences.push("Tidemark made this slot: WAL it has not stored yet may be lost, and a gap may follow.");
  else sentences.push("Tidemark did not make this slot: make sure whose it is.");
  if (facts.kind === "logical") sentences.push("It is a logical slot: its subscriber must be copied anew afterwards.");
  return sentences;
}

function maximum(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}
