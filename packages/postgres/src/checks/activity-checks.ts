import { maskSettingSecrets } from "../server/settings.ts";
import { durationText } from "./amounts.ts";
import { check, found, ok } from "./check.ts";

const exclusiveBackup = check({
  id: "exclusive-backup",
  title: "No exclusive backup was left running",
  problem: "An exclusive backup was left running",
  severity: "risk",
  read: "pg_is_in_backup(), pg_backup_start_time()",
  required: "none is running",
  why: "its backup_label lies in the data directory: after a crash the server may refuse to start, or recover from the wrong place",
  majors: { until: 14 },
  only: { on: "primary", elsewhere: "a standby has no exclusive backups" },
  parts: ["exclusiveBackup"],
  judge({ exclusiveBackup: startedAt }) {
    if (startedAt === null) return ok("none");
    return found(`one has been running since ${startedAt.toISOString()}`, {
      sql: "SELECT pg_stop_backup();",
      advice: "only when the tool that began it is gone: its copy is not complete",
    });
  },
});

const otherBackup = check({
  id: "other-backup-running",
  title: "No other base backup is running",
  problem: "Another base backup is running",
  severity: "note",
  read: "pg_stat_progress_basebackup",
  required: "none but ours",
  why: "each reads the whole cluster and takes a WAL sender; two at once are slower than one after the other",
  parts: ["activeBackups"],
  judge({ activeBackups, server }, { connection }) {
    const others = activeBackups.filter(
      ({ user, applicationName }) => user !== server.asking.name || applicationName !== connection.applicationName,
    );
    if (others.length === 0) return ok(activeBackups.length === 0 ? "none is running" : "only ours is running");
    const told = others.map(
      ({ pid, user, applicationName }) =>
        `process ${pid} of ${user ?? "an unknown role"}${applicationName ? ` (${applicationName})` : ""}`,
    );
    return found(told.join(", "), {
      sql: others.map(({ pid }) => `SELECT pg_terminate_backend(${pid});`).join("\n"),
      advice: "only when nobody waits for it; else let it end",
    });
  },
});

const preparedTransactions = check({
  id: "prepared-transactions",
  title: "No prepared transaction is forgotten",
  problem: "A prepared transaction is forgotten",
  severity: "note",
  read: "pg_prepared_xacts",
  required: "none older than an hour",
  why: "it holds its locks and keeps old rows alive, on a restored server too, and backups carry it on",
  parts: ["preparedTransactions"],
  judge({ preparedTransactions: all, server }, { clock }) {
    const nowMs = clock.now().getTime();
    const old = all.filter(({ preparedAt }) => nowMs - preparedAt.getTime() > 3_600_000);
    if (old.length === 0) return ok(all.length === 0 ? "there are none" : `${all.length}, none older than an hour`);
    const told = old.map(
      ({ gid, database, preparedAt }) => `"${gid}" in ${database}, ${durationText(nowMs - preparedAt.getTime())} old`,
    );
    const here = old.filter(({ database }) => database === server.asking.database);
    const elsewhere = old.length > here.length ? " Those of other databases are ended in theirs." : "";
    return found(told.join(", "), {
      ...(here.length === 0
        ? {}
        : { sql: here.map(({ gidLiteral }) => `ROLLBACK PREPARED ${gidLiteral};`).join("\n") }),
      advice: `ask the transaction manager that prepared them: COMMIT PREPARED where it decided so.${elsewhere}`,
    });
  },
});

const pendingRestart = check({
  id: "pending-restart",
  title: "No setting waits for a restart",
  problem: "Settings wait for a restart",
  severity: "note",
  read: "pending_restart in pg_settings",
  required: "none",
  why: "what the files say is not what the server does; the next restart, or a restored server, behaves in another way",
  parts: ["pendingSettings"],
  judge({ pendingSettings }) {
    if (pendingSettings.length === 0) return ok("none");
    return found(pendingSettings.join(", "), {
      advice: "restart the server when it suits, or take the change back",
      needs: "restart",
    });
  },
});

const configurationInvalid = check({
  id: "configuration-invalid",
  title: "The configuration files can be read again",
  problem: "The configuration files have errors",
  severity: "risk",
  read: "pg_file_settings, pg_hba_file_rules, pg_ident_file_mappings (15+)",
  required: "no error",
  why: "a reload leaves the old values in force unnoticed, and the next start is refused: that of a restored server too",
  parts: ["configurationErrors"],
  judge({ configurationErrors }) {
    if (configurationErrors.length === 0) return ok("no error");
    const told = configurationErrors.map(
      ({ file, line, error }) =>
        `${file ?? "a file"}${line === null ? "" : `, line ${line}`}: ${maskSettingSecrets(error)}`,
    );
    return found(told.join("; "), { advice: "correct or remove these lines, then reload", needs: "reload" });
  },
});

export const activityChecks = [
  exclusiveBackup,
  otherBackup,
  preparedTransactions,
  pendingRestart,
  configurationInvalid,
];
