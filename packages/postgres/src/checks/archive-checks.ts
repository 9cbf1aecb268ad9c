import { maskSettingSecrets } from "../server/settings.ts";
import { durationText } from "./amounts.ts";
import { check, found, notApplicable, ok } from "./check.ts";
import { changeSettings } from "./setting-remedy.ts";
import type { Settings } from "./settings-evidence.ts";

const onPrimaryOnly = { on: "primary", elsewhere: "a standby archives nothing of its own; its primary does" } as const;
const archiveOff = notApplicable("archive_mode is off");

/** What the server would archive with, as configured; an archive library (15+) wins over a command. */
function archiver(settings: Settings): string | null {
  const library = settings.text("archive_library") ?? "";
  const command = settings.text("archive_command") ?? "";
  const used = library === "" ? command : library;
  return used === "" ? null : maskSettingSecrets(used);
}

const archiveMode = check({
  id: "archive-mode",
  title: "WAL between backups is kept",
  problem: "WAL between backups is not kept",
  severity: "note",
  read: "archive_mode, archive_command, archive_library",
  required: "archive_mode = on, unless a receiver of ours streams the WAL",
  why: "a backup alone restores the moment it ended; every later moment needs the WAL",
  only: onPrimaryOnly,
  parts: ["settings"],
  judge(evidence, { known }) {
    const { settings } = evidence;
    const mode = settings.text("archive_mode") ?? "off";
    if (mode !== "off") return ok(`archive_mode = ${mode}`);
    if (known.streamsWal) return ok("archive_mode is off, and Tidemark receives the WAL");
    const prepared = archiver(settings);
    if (prepared === null) {
      const advice = "set archive_command to one that stores each segment, then archive_mode = on, and restart";
      return found("archive_mode is off, and nobody receives the WAL", { advice, needs: "restart" });
    }
    const told = `archive_mode is off, although ${prepared} is configured`;
    return found(told, changeSettings(evidence, { archive_mode: "on" }), { severity: "risk" });
  },
});

const archiveCommand = check({
  id: "archive-command",
  title: "The archiver has something to archive with",
  problem: "The archiver has nothing to archive with",
  severity: "risk",
  read: "archive_mode, archive_command, archive_library",
  required: "a command or library that stores the segment",
  why: "without one the server keeps all WAL until its disk is full; one that only says yes throws the WAL away",
  only: onPrimaryOnly,
  parts: ["settings"],
  judge(evidence, { known }) {
    const { settings } = evidence;
    if (settings.text("archive_mode") === "off") return ok("archive_mode is off: no WAL waits to be archived");
    const used = archiver(settings);
    const remedy = changeSettings(evidence, { archive_mode: "off" });
    if (used === null) {
      const advice = "or set archive_command to one that stores the segment; that needs a reload only";
      return found("archive_mode is on, with neither command nor library", {
        ...remedy,
        advice: remedy.advice ?? advice,
      });
    }
    if (!discards.test(used)) return ok(used);
    if (known.streamsWal) return ok(`${used}: nothing is stored by it, and Tidemark receives the WAL`);
    const advice = "or set archive_command to one that stores the segment; that needs a reload only";
    return found(`${used}: it stores nothing`, { ...remedy, advice: remedy.advice ?? advice });
  },
});

/** Commands that succeed and do nothing. */
const discards = /^\s*(?:(?:\/usr)?\/bin\/true|true|:|exit(?:\s+0)?|cd\s+\.)\s*;?\s*$/;

const archiverHealth = check({
  id: "archiver-health",
  title: "Continuous archiving works",
  problem: "Continuous archiving fails",
  severity: "risk",
  read: "pg_stat_archiver",
  required: "the last attempt went well",
  why: "the server keeps each segment until it is archived: its disk fills, and nothing newer can be restored from the archive",
  parts: ["archiver", "settings"],
  judge({ archiver: state, settings, server }) {
    if (state.mode === "off") return archiveOff;
    if (server.inRecovery && state.mode !== "always") return notApplicable(onPrimaryOnly.elsewhere);
    if (archiver(settings) === null) return notApplicable("there is nothing to archive with; see archive-command");
    if (state.isArchiving)
      return ok(state.lastArchivedWal === null ? "nothing archived yet" : `${state.lastArchivedWal} was archived`);
    const since = state.lastFailedAt === null ? "" : ` at ${state.lastFailedAt.toISOString()}`;
    const told = `${state.lastFailedWal} failed${since}, ${state.failedCount} failures in all`;
    const advice = `run the command by hand as the server's user and read the server's log: ${archiver(settings)}`;
    return found(told, { advice });
  },
});

const archivesTwice = check({
  id: "archives-twice",
  title: "WAL is stored once",
  problem: "WAL is stored twice",
  severity: "note",
  read: "archive_mode, archive_command, archive_library",
  required: "either a WAL receiver of ours or an archiver",
  why: "each segment travels and is stored twice, and retention of one store knows nothing of the other",
  only: onPrimaryOnly,
  parts: ["settings"],
  judge(evidence, { known }) {
    const { settings } = evidence;
    if (settings.text("archive_mode") === "off") return ok("archive_mode is off");
    const used = archiver(settings);
    if (used === null || discards.test(used)) return ok("nothing is stored by the archiver");
    if (!known.streamsWal) return ok(`only by the archiver: ${used}`);
    if (ownPush.test(used)) {
      return found(
        `Tidemark receives the WAL, and ${used} pushes it too`,
        changeSettings(evidence, { archive_mode: "off" }),
      );
    }
    return found(`Tidemark receives the WAL, and ${foreignTool(used)} archives it beside us`, {
      advice:
        "good while you change from one to the other, or when you want two; else set archive_mode = off, or stop our receiver",
    });
  },
});

/** `tidemark wal push %p`, with a path or wrapper before it. */
const ownPush = /\btidemark\b[^|;&]*\bwal\s+push\b/;

function foreignTool(command: string): string {
  const known = foreignTools.find(({ sign }) => sign.test(command));
  return known === undefined ? `"${command}"` : `${known.name} ("${command}")`;
}

const foreignTools = [
  { name: "pgBackRest", sign: /\bpgbackrest\b/ },
  { name: "Barman", sign: /\bbarman(?:-cloud)?-wal-archive\b|\bbarman\b/ },
  { name: "WAL-G", sign: /\bwal-g\b|\bwalg/ },
  { name: "WAL-E", sign: /\bwal-e\b/ },
  { name: "pg_probackup", sign: /\bpg_probackup\b/ },
] as const;

const archiveTimeout = check({
  id: "archive-timeout",
  title: "A quiet server's WAL is archived in time",
  problem: "A quiet server's WAL is archived late",
  severity: "note",
  read: "archive_timeout",
  required: "30 s to 1 h while WAL is archived and not streamed",
  why: "a segment is archived when it is full or this old: until then its changes are on the server only; a few seconds make a nearly empty segment each",
  only: onPrimaryOnly,
  parts: ["settings"],
  judge(evidence, { known }) {
    const { settings } = evidence;
    if (settings.text("archive_mode") === "off") return archiveOff;
    if (known.streamsWal) return ok("Tidemark receives the WAL as it is written");
    const timeoutMs = settings.ms("archive_timeout");
    if (timeoutMs >= 30_000 && timeoutMs <= 3_600_000) return ok(durationText(timeoutMs));
    const told = timeoutMs === 0 ? "0: a segment is archived when it is full only" : durationText(timeoutMs);
    return found(told, changeSettings(evidence, { archive_timeout: "5min" }));
  },
});

export const archiveChecks = [archiveMode, archiveCommand, archiverHealth, archivesTwice, archiveTimeout];
