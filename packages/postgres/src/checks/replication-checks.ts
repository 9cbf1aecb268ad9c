import type { Remedy } from "../connection/remedy.ts";
import type { ReplicationClient } from "../server/replication.ts";
import {
  encodeSynchronousStandbyNames,
  parseSynchronousStandbyNames,
  type SynchronousStandbys,
} from "../server/synchronous-standbys.ts";
import { type CheckContext, check, found, notApplicable, ok } from "./check.ts";
import type { Evidence } from "./evidence.ts";
import { changeSettings } from "./setting-remedy.ts";

const synchronousNames = check({
  id: "synchronous-standby-names",
  title: "No commit waits for our receiver by accident",
  problem: "Commits may wait for our receiver",
  severity: "risk",
  read: "synchronous_standby_names, pg_stat_replication",
  required: "names of standbys, without * and without ours",
  why: "our receiver reports what it has stored, which makes it a synchronous standby wherever * stands: while it is away, commits wait",
  parts: ["settings", "senders"],
  judge(evidence, context) {
    const text = evidence.settings.text("synchronous_standby_names") ?? "";
    const wanted = parseSynchronousStandbyNames(text);
    if (wanted.method === "none") return ok("empty");
    const own = context.connection.applicationName.toLowerCase();
    const named = wanted.names.some((name) => name.toLowerCase() === own);
    const every = wanted.names.includes("*");
    if (!every && !named) return ok(text);
    if (!context.known.streamsWal) return ok(`${text}; no receiver of ours streams this server's WAL`);
    const remedy = namesRemedy(wanted, evidence, context);
    if (every) return found(text, remedy);
    return found(
      `${text} names our receiver`,
      { ...remedy, advice: "leave it when it is meant: then no commit is lost with the server" },
      { severity: "note" },
    );
  },
});

/** Without the statistics the standbys' names are hidden, and a list made without them would end their synchrony. */
function namesRemedy(
  wanted: SynchronousStandbys,
  evidence: Pick<Evidence, "server" | "settings" | "senders">,
  context: CheckContext,
): Remedy {
  const { server, senders } = evidence;
  if (wanted.names.includes("*") && senders.length > 0 && !server.asking.readsAllStats) {
    return {
      advice: `name the standbys one by one, by their application_name, without "${context.connection.applicationName}"`,
      needs: "reload",
    };
  }
  const value = encodeSynchronousStandbyNames(withoutUs(wanted, senders, context));
  const remedy = changeSettings(evidence, { synchronous_standby_names: value });
  if (!wanted.names.includes("*")) return remedy;
  return { advice: "add the names of standbys that are not connected just now", ...remedy };
}

/** The same wish for the standbys that are connected now, or that were named. */
function withoutUs(
  wanted: SynchronousStandbys,
  senders: readonly ReplicationClient[],
  { connection }: CheckContext,
): Omit<SynchronousStandbys, "text"> {
  const standbys = senders.flatMap(({ kind, applicationName }) =>
    kind === "standby" && applicationName !== null ? [applicationName] : [],
  );
  const names = wanted.names.flatMap((name) => (name === "*" ? standbys : [name]));
  const others = [...new Set(names)].filter((name) => name.toLowerCase() !== connection.applicationName.toLowerCase());
  if (others.length === 0) return { method: "none", count: 0, names: [] };
  return { method: wanted.method, count: Math.min(wanted.count, others.length), names: others };
}

const standbyOnly = { on: "standby", elsewhere: "this is a primary" } as const;

const standbyConnected = check({
  id: "standby-connected",
  title: "The standby follows its primary",
  problem: "The standby does not follow its primary",
  severity: "risk",
  read: "pg_stat_wal_receiver, primary_conninfo, restore_command",
  required: "a WAL receiver, or a restore_command",
  why: "a standby that follows nobody has old data, and so have the backups taken from it",
  only: standbyOnly,
  parts: ["recovery", "settings"],
  judge({ recovery, settings, server }) {
    const receiver = recovery?.receiver ?? null;
    if (receiver !== null) return ok(receiver.status ?? "a WAL receiver runs");
    if ((settings.text("restore_command") ?? "") !== "") return ok("no WAL receiver; WAL comes by restore_command");
    const conninfo = settings.text("primary_conninfo");
    const replayed = recovery?.replayedAt?.toISOString() ?? "nothing yet";
    if (conninfo === null && !server.asking.readsAllSettings) {
      const sql = `GRANT pg_read_all_settings TO ${server.roleSql};`;
      return found(`no WAL receiver runs; replayed up to ${replayed}`, {
        sql,
        advice: "run it on the primary to see primary_conninfo, and read in the standby's log why it does not connect",
      });
    }
    return found(`no WAL receiver runs; replayed up to ${replayed}`, {
      advice:
        conninfo === ""
          ? "set primary_conninfo to the primary's address, and reload"
          : "read in the standby's log why it cannot connect: mend primary_conninfo (then reload), the primary's pg_hba.conf, or the network",
      needs: "reload",
    });
  },
});

const recoveryPaused = check({
  id: "recovery-paused",
  title: "The standby replays what it receives",
  problem: "The standby's recovery is paused",
  severity: "risk",
  read: "pg_is_wal_replay_paused()",
  required: "not paused",
  why: "its data stands still, a backup taken from it is as old, and the WAL it does not replay fills its disk",
  only: standbyOnly,
  parts: ["recovery"],
  judge({ recovery }) {
    if (recovery === null) return notApplicable(standbyOnly.elsewhere);
    if (!recovery.isPaused) return ok("it replays");
    const replayed = recovery.replayedAt === null ? "" : ` at ${recovery.replayedAt.toISOString()}`;
    return found(`paused${replayed}`, { sql: "SELECT pg_wal_replay_resume();" });
  },
});

export const replicationChecks = [synchronousNames, standbyConnected, recoveryPaused];
