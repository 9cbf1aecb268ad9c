import { durationText, sizeText } from "./amounts.ts";
import { check, found, ok, unlessFilesAreRead } from "./check.ts";
import { changeSettings, replicaWalLevel } from "./setting-remedy.ts";

const walLevel = check({
  id: "wal-level",
  title: "WAL carries what a backup needs",
  problem: "WAL lacks what a backup needs",
  severity: "blocks-backup",
  read: "wal_level",
  required: "replica or logical",
  why: "with minimal the server has no WAL senders, and bulk changes leave no WAL a restore could replay",
  parts: ["settings"],
  judge({ settings }) {
    const level = settings.text("wal_level") ?? "";
    if (level !== "minimal") return ok(level);
    return found(level, replicaWalLevel);
  },
});

const summarizeWal = check({
  id: "summarize-wal",
  title: "WAL is summarised for incremental backups",
  problem: "WAL is not summarised for incremental backups",
  severity: "note",
  read: "summarize_wal",
  required: "on",
  why: "then a backup reads only what changed; without it every file is read, though only changes are stored",
  majors: { from: 17 },
  parts: ["settings"],
  judge(evidence) {
    if (evidence.settings.isOn("summarize_wal")) return ok("on");
    return found("off", changeSettings(evidence, { summarize_wal: "on" }));
  },
});

const walSenders = check({
  id: "wal-senders",
  title: "WAL senders are free",
  problem: "Too few WAL senders are free",
  severity: "blocks-backup",
  read: "max_wal_senders, pg_stat_replication",
  required: "one free for a backup, one more for a WAL receiver that is not connected",
  why: "each backup and each receiver takes a WAL sender, and the server refuses a session when none is free",
  parts: ["settings", "senders", "slots"],
  judge(evidence, context) {
    const { known } = context;
    const max = evidence.settings.number("max_wal_senders");
    // Our own look at the protocol a moment ago may still be there; it holds nothing up.
    const used = evidence.senders.filter(
      ({ user, state }) => !(user === evidence.server.asking.name && state === "startup"),
    ).length;
    const told = `${used} of ${max} in use`;
    const streams = evidence.slots.some(({ name, active }) => active && known.isOwnSlot(name));
    const needed = known.streamsWal && !streams ? 2 : 1;
    const left = max - used;
    if (left >= needed) return ok(told);
    const remedy =
      evidence.settings.text("wal_level") === "minimal"
        ? replicaWalLevel
        : changeSettings(evidence, { max_wal_senders: String(used + 5) });
    return found(told, remedy, {
      severity: left <= 0 ? "blocks-backup" : "blocks-wal",
      ...(known.streamsWal ? {} : unlessFilesAreRead(context)),
    });
  },
});

const walKeepSize = check({
  id: "wal-keep-size",
  title: "WAL of a running backup is not removed",
  problem: "WAL of a running backup may be removed",
  severity: "risk",
  read: "wal_keep_size, max_replication_slots, pg_replication_slots",
  required: "a free replication slot, or a wal_keep_size of max_wal_size at least",
  why: "a backup holds its WAL by a temporary slot; where none is free, a busy server removes what the backup still needs and it fails at its end",
  parts: ["settings", "slots"],
  judge(evidence) {
    const { settings, slots } = evidence;
    const free = settings.number("max_replication_slots") - slots.length;
    if (free > 0) return ok(`${free} replication slots are free: a backup holds its WAL by one`);
    const keep = settings.bytes("wal_keep_size");
    const needed = settings.bytes("max_wal_size");
    if (keep >= needed) return ok(`no replication slot is free, and wal_keep_size is ${sizeText(keep)}`);
    const told = `no replication slot is free, and wal_keep_size is ${sizeText(keep)}`;
    return found(told, changeSettings(evidence, { wal_keep_size: `${Math.ceil(needed / 1024 ** 2)}MB` }));
  },
});

const walSenderTimeout = check({
  id: "wal-sender-timeout",
  title: "Lost receivers are noticed, slow ones are kept",
  problem: "Lost receivers are noticed late, or slow ones are cut off",
  severity: "risk",
  read: "wal_sender_timeout",
  required: "30 s to 10 min",
  why: "with 0 a receiver whose machine vanished holds its sender and its slot for ever; with a few seconds a slow network ends it again and again",
  parts: ["settings"],
  judge(evidence) {
    const timeoutMs = evidence.settings.ms("wal_sender_timeout");
    if (timeoutMs >= 30_000 && timeoutMs <= 600_000) return ok(durationText(timeoutMs));
    const remedy = changeSettings(evidence, { wal_sender_timeout: "60s" });
    if (timeoutMs === 0) return found("0: none", remedy, { severity: "note" });
    return found(durationText(timeoutMs), remedy, { severity: timeoutMs < 30_000 ? "risk" : "note" });
  },
});

const checkpointTimeout = check({
  id: "checkpoint-timeout",
  title: "Checkpoints come often enough",
  problem: "Checkpoints are far apart or too many",
  severity: "note",
  read: "checkpoint_timeout",
  required: "30 min at most",
  why: "a backup without a fast checkpoint waits for one, a standby's backup starts at the last one, and recovery replays everything since",
  parts: ["settings"],
  judge(evidence) {
    const timeoutMs = evidence.settings.ms("checkpoint_timeout");
    if (timeoutMs <= 1_800_000) return ok(durationText(timeoutMs));
    return found(durationText(timeoutMs), changeSettings(evidence, { checkpoint_timeout: "15min" }));
  },
});

const trackCommitTimestamp = check({
  id: "track-commit-timestamp",
  title: "The server remembers commit times",
  problem: "The server does not remember commit times",
  severity: "note",
  read: "track_commit_timestamp",
  required: "on",
  why: "then SQL tells when a transaction committed (pg_xact_commit_timestamp), which finds the moment to restore to; backups and restores do not need it",
  parts: ["settings"],
  judge(evidence) {
    if (evidence.settings.isOn("track_commit_timestamp")) return ok("on");
    return found("off", changeSettings(evidence, { track_commit_timestamp: "on" }));
  },
});

export const walChecks = [
  walLevel,
  summarizeWal,
  walSenders,
  walKeepSize,
  walSenderTimeout,
  checkpointTimeout,
  trackCommitTimestamp,
];
