import type { Remedy } from "../connection/remedy.ts";
import { sqlLiteral } from "../privileges/sql-text.ts";
import type { Slot } from "../server/slots.ts";
import { durationText, sizeText } from "./amounts.ts";
import { type CheckContext, check, found, notApplicable, ok } from "./check.ts";
import { changeSettings } from "./setting-remedy.ts";
import type { Settings } from "./settings-evidence.ts";

/** The slot of our receiver, or where it is not told which our permanent ones; the temporary ones of backups come and go. */
function ownSlots(slots: readonly Slot[], { known }: CheckContext): Slot[] {
  const isOurs = (name: string) => (known.slotName === undefined ? known.isOwnSlot(name) : name === known.slotName);
  return slots.filter(({ name, temporary }) => !temporary && isOurs(name));
}

const noReceiver = notApplicable("no receiver of ours streams this server's WAL");

/** Under the name our receiver looks for; where that is not told, the receiver makes its slot itself. */
function createSlot({ known }: CheckContext): Remedy {
  const name = known.slotName ?? "tidemark";
  if (!known.isOwnSlot(name)) return { advice: "start the WAL receiver: it makes its slot" };
  return { sql: `SELECT pg_create_physical_replication_slot(${sqlLiteral(name)}, true);` };
}

function recreateSlot({ name }: Slot): string {
  const literal = sqlLiteral(name);
  return `SELECT pg_drop_replication_slot(${literal});\nSELECT pg_create_physical_replication_slot(${literal}, true);`;
}

const replicationSlots = check({
  id: "replication-slots",
  title: "Replication slots are free",
  problem: "Too few replication slots are free",
  severity: "risk",
  read: "max_replication_slots, pg_replication_slots",
  required: "one free for a backup, one more for a WAL receiver that has none yet",
  why: "a backup holds the WAL it needs by a temporary slot, a receiver by a permanent one; without a slot the server may remove it too early",
  parts: ["settings", "slots"],
  judge(evidence, context) {
    const { settings, slots } = evidence;
    const max = settings.number("max_replication_slots");
    const lacksOwn = context.known.streamsWal && ownSlots(slots, context).length === 0;
    const told = `${slots.length} of ${max} in use`;
    if (max - slots.length >= (lacksOwn ? 2 : 1)) return ok(told);
    const remedy = changeSettings(evidence, { max_replication_slots: String(slots.length + 5) });
    return found(told, remedy, { severity: lacksOwn && max - slots.length === 0 ? "blocks-wal" : "risk" });
  },
});

const ownSlotExists = check({
  id: "own-slot-exists",
  title: "Our replication slot exists and holds WAL",
  problem: "Our replication slot is missing or holds no WAL",
  severity: "blocks-wal",
  read: "pg_replication_slots",
  required: "a physical slot of ours with a restart_lsn",
  why: "the slot keeps WAL on the server until it is safe with us; without it a receiver that was away finds a gap",
  parts: ["slots"],
  judge({ slots }, context) {
    if (!context.known.streamsWal) return noReceiver;
    const own = ownSlots(slots, context);
    const physical = own.find(({ kind }) => kind === "physical");
    if (physical === undefined) {
      const taken = own[0];
      if (taken === undefined) return found("there is no slot of ours", createSlot(context));
      return found(`the slot "${taken.name}" is a logical one`, { sql: recreateSlot(taken) });
    }
    if (physical.restartLsn === null && physical.walStatus !== "lost" && physical.invalidationReason === null) {
      return found(`the slot "${physical.name}" holds no WAL yet`, { sql: recreateSlot(physical) });
    }
    return ok(`the slot "${physical.name}" is there`);
  },
});

const ownSlotActive = check({
  id: "own-slot-active",
  title: "Our receiver streams from its slot",
  problem: "Our receiver does not stream from its slot",
  severity: "blocks-wal",
  read: "active in pg_replication_slots",
  required: "active",
  why: "while nobody streams, the newest WAL exists on the server only, and the server keeps it until its disk is full",
  parts: ["slots"],
  judge({ slots }, context) {
    if (!context.known.streamsWal) return noReceiver;
    const own = ownSlots(slots, context);
    if (own.length === 0) return notApplicable("there is no slot of ours; see own-slot-exists");
    const active = own.find((slot) => slot.active);
    if (active !== undefined) return ok(`the slot "${active.name}" is active`);
    const retained = own[0]?.retainedBytes ?? 0n;
    return found(
      `the slot "${own[0]?.name}" is not active, and the server keeps ${sizeText(Number(retained))} of WAL for it`,
      {
        advice: "start the WAL receiver, or see why it cannot connect",
      },
    );
  },
});

const ownSlotStatus = check({
  id: "own-slot-status",
  title: "Our replication slot has not lost WAL",
  problem: "Our replication slot has lost WAL, or is about to",
  severity: "blocks-wal",
  read: "wal_status, safe_wal_size and (17+) invalidation_reason in pg_replication_slots",
  required: "reserved or extended, with four segments to go",
  why: "a slot past max_slot_wal_keep_size loses its WAL at the next checkpoint, and what was not received by then is gone",
  parts: ["slots", "settings"],
  judge({ slots, settings }, context) {
    if (!context.known.streamsWal) return noReceiver;
    const own = ownSlots(slots, context);
    if (own.length === 0) return notApplicable("there is no slot of ours; see own-slot-exists");
    const bad = own.find(
      ({ walStatus, invalidationReason }) => lostStates.has(walStatus ?? "") || invalidationReason !== null,
    );
    if (bad !== undefined) {
      const why = bad.invalidationReason === null ? "" : ` (${bad.invalidationReason})`;
      const advice = "then take a backup: the WAL from before may have a gap";
      // With the same limit the new slot would go the same way.
      const limit = settings.bytes("max_slot_wal_keep_size");
      const raise = limit >= 0 && limit < slotLimitNeeded(settings) ? `${raiseLimit(settings)}\n` : "";
      return found(`the slot "${bad.name}" is ${bad.walStatus}${why}`, { sql: `${raise}${recreateSlot(bad)}`, advice });
    }
    const margin = 4 * settings.bytes("wal_segment_size");
    const tight = own.find(({ safeWalSizeBytes }) => safeWalSizeBytes !== null && Number(safeWalSizeBytes) < margin);
    if (tight === undefined)
      return ok(own.map(({ name, walStatus }) => `"${name}" is ${walStatus ?? "empty"}`).join(", "));
    const left = sizeText(Math.max(0, Number(tight.safeWalSizeBytes)));
    return found(`the slot "${tight.name}" is lost after ${left} more WAL`, {
      sql: "ALTER SYSTEM SET max_slot_wal_keep_size = '-1';\nSELECT pg_reload_conf();",
      advice: "and start the WAL receiver; mind the free space of pg_wal until it has caught up",
    });
  },
});

/** slot.c, GetSlotInvalidationCause and pg_get_replication_slots. */
const lostStates: ReadonlySet<string> = new Set(["unreserved", "lost"]);

/** A slot one checkpoint cycle behind is nothing unusual, and a receiver's machine restarts now and then. */
function slotLimitNeeded(settings: Settings): number {
  return Math.max(2 * settings.bytes("max_wal_size"), 1024 ** 3);
}

function raiseLimit(settings: Settings): string {
  const megabytes = Math.ceil(slotLimitNeeded(settings) / 1024 ** 2);
  return `ALTER SYSTEM SET max_slot_wal_keep_size = '${megabytes}MB';\nSELECT pg_reload_conf();`;
}

const slotWalLimit = check({
  id: "slot-wal-limit",
  title: "Slots may hold enough WAL",
  problem: "Slots may not hold enough WAL",
  severity: "risk",
  read: "max_slot_wal_keep_size",
  required: "-1 (no limit), or twice max_wal_size and 1 GB at least",
  why: "past the limit the server takes the WAL away from a slot that is behind: a backup's temporary one, or our receiver's after a pause",
  parts: ["settings"],
  judge(evidence) {
    const limit = evidence.settings.bytes("max_slot_wal_keep_size");
    if (limit < 0) return ok("no limit; mind the free space of pg_wal while a slot is behind");
    const needed = slotLimitNeeded(evidence.settings);
    if (limit >= needed) return ok(sizeText(limit));
    const value = `${Math.ceil(needed / 1024 ** 2)}MB`;
    return found(sizeText(limit), changeSettings(evidence, { max_slot_wal_keep_size: value }));
  },
});

const slotIdleTimeout = check({
  id: "slot-idle-timeout",
  title: "Our slot outlives a pause of its receiver",
  problem: "A pause of its receiver ends our slot",
  severity: "risk",
  read: "idle_replication_slot_timeout",
  required: "0 (never), or a day and more",
  why: "a slot nobody streams from for that long is invalidated at the next checkpoint, and the WAL since is lost to us",
  majors: { from: 18 },
  parts: ["settings", "slots"],
  judge(evidence, context) {
    const timeoutMs = evidence.settings.ms("idle_replication_slot_timeout");
    if (timeoutMs === 0) return ok("0: never");
    if (timeoutMs >= 86_400_000) return ok(durationText(timeoutMs));
    if (!context.known.streamsWal && ownSlots(evidence.slots, context).length === 0) {
      return ok(`${durationText(timeoutMs)}; there is no permanent slot of ours to lose`);
    }
    return found(durationText(timeoutMs), changeSettings(evidence, { idle_replication_slot_timeout: "0" }));
  },
});

const foreignSlots = check({
  id: "foreign-slots",
  title: "No forgotten slot keeps WAL",
  problem: "A slot nobody reads keeps WAL",
  severity: "risk",
  read: "pg_replication_slots",
  required: "no inactive slot of others that holds more than max_wal_size",
  why: "the server keeps everything since a slot's restart_lsn, until its disk is full and it stops",
  parts: ["slots", "settings"],
  judge({ slots, settings }, { known }) {
    const limit = BigInt(settings.bytes("max_wal_size"));
    const forgotten = slots.filter(
      (slot) =>
        !slot.active &&
        !slot.temporary &&
        slot.synced !== true &&
        // One that a receiver of ours left behind is no better than another's.
        (!known.streamsWal || !known.isOwnSlot(slot.name)) &&
        (slot.retainedBytes ?? 0n) > limit,
    );
    if (forgotten.length === 0) return ok("none");
    const told = forgotten.map(({ name, retainedBytes }) => `"${name}" holds ${sizeText(Number(retainedBytes))}`);
    return found(told.join(", "), {
      sql: forgotten.map(({ name }) => `SELECT pg_drop_replication_slot(${sqlLiteral(name)});`).join("\n"),
      advice: "only when nobody comes back for it: the standby or subscriber that used it must be made anew",
    });
  },
});

export const slotChecks = [
  replicationSlots,
  ownSlotExists,
  ownSlotActive,
  ownSlotStatus,
  slotWalLimit,
  slotIdleTimeout,
  foreignSlots,
];
