import { formatAge } from "@tidemark/kit";
import type { BackupRow, OfflinePeriod, Run, ScheduleRow, SeenFinding, Server } from "@tidemark/metadata";
import { type CopyLag, missedRun, scheduleIntervalMs } from "@tidemark/policy";

/** What the checks of a server look at; all of it from rows. */
export interface ServerEvidence {
  readonly server: Server;
  readonly now: Date;
  readonly schedules: readonly ScheduleRow[];
  readonly newest: BackupRow | null;
  readonly damagedCount: number;
  readonly failuresInRow: number;
  readonly lastBackupRun: Run | null;
  readonly lastDrillRun: Run | null;
  /** The last drill that ended proven or failed; one that could not be tried since then takes nothing back. */
  readonly lastDrillVerdict: Run | null;
  /** The newest run of each schedule. */
  readonly scheduledRuns: readonly Run[];
  /** How far its second repository is behind; null where it has none. */
  readonly copyLag: CopyLag | null;
  /** Its newest offline period, open or ended; null when it never had one. */
  readonly offline: OfflinePeriod | null;
}

/** Every check of this file: what is not seen again is resolved. */
export const serverChecks = [
  "backup-failed",
  "backup-late",
  "backup-damaged",
  "pages-suspect",
  "pages-untrusted",
  "drill-failed",
  "drill-not-possible",
  "schedule-missed",
  "copy-late",
] as const;

/** What needs a person about a server, decided from its rows. */
export function serverFindings(evidence: ServerEvidence): readonly SeenFinding[] {
  return [
    backupFailed(evidence),
    backupLate(evidence),
    backupDamaged(evidence),
    pagesSuspect(evidence),
    pagesUntrusted(evidence),
    ...drillFindings(evidence),
    scheduleMissed(evidence),
    copyLate(evidence),
  ].filter((finding) => finding !== null);
}

function copyLate({ server, copyLag }: ServerEvidence): SeenFinding | null {
  if (copyLag === null || !copyLag.late) return null;
  return {
    checkId: "copy-late",
    severity: "risk",
    title: `The second repository of ${server.name} is behind`,
    found: copyLag.sentence,
    required: "every backup copied within a day",
    why: "if the first repository is lost now, these backups are lost with it",
    remedy: { advice: `start a copy (tidemark backup copy ${server.name}); its run says what stands in the way` },
    actionLabel: "Open the server",
    actionPath: `/servers/${server.id}`,
  };
}

function backupFailed({ server, failuresInRow, lastBackupRun }: ServerEvidence): SeenFinding | null {
  const error = lastBackupRun?.error;
  if (failuresInRow === 0 || lastBackupRun == null || error == null) return null;
  // Refused while the server was offline: that is said there, and nothing is wrong with its backups.
  if (error.code === "server-offline") return null;
  const times = failuresInRow === 1 ? "The last backup failed" : `The last ${failuresInRow} backups failed`;
  return {
    checkId: "backup-failed",
    severity: "risk",
    title: `Backups of ${server.name} fail`,
    found: `${times}: ${error.message}`,
    required: "every backup run succeeds",
    why: "what changes from now on is in no backup",
    remedy: error.hint === null ? null : { advice: error.hint },
    actionLabel: "Open the run",
    actionPath: `/runs/${lastBackupRun.id}`,
  };
}

function backupLate({ server, now, schedules, newest, offline }: ServerEvidence): SeenFinding | null {
  if (offline !== null && offline.endedAt === null) return null;
  const schedule = schedules.find((one) => one.kind === "backup" && one.enabled);
  if (schedule === undefined) return null;
  const intervalMs = scheduleIntervalMs({ cron: schedule.cron, timeZone: schedule.zone }, now);
  const since = newest?.finishedAt ?? server.createdAt;
  const ageMs = now.getTime() - since.getTime();
  // Nobody expected one while the server was offline.
  const expectedMs = now.getTime() - Math.max(since.getTime(), offline?.endedAt?.getTime() ?? 0);
  if (expectedMs <= intervalMs * lateFactor + graceMs) return null;
  const what =
    newest === null
      ? `There is no backup, ${formatAge(ageMs)} after the server was added`
      : `The newest backup is ${formatAge(ageMs)} old`;
  return {
    checkId: "backup-late",
    severity: "risk",
    title: `The backup of ${server.name} is late`,
    found: `${what}; its schedule asks for one every ${formatAge(intervalMs)}`,
    required: `a backup every ${formatAge(intervalMs)}`,
    why: "a restore would lose everything since then",
    actionLabel: "Take a backup now",
    actionPath: `/servers/${server.id}`,
  };
}

function backupDamaged({ server, damagedCount, newest }: ServerEvidence): SeenFinding | null {
  if (damagedCount === 0) return null;
  const count = damagedCount === 1 ? "One stored backup is" : `${damagedCount} stored backups are`;
  const newestToo = newest?.damageDetail == null ? "" : `; the newest: ${newest.damageDetail}`;
  return {
    checkId: "backup-damaged",
    severity: "risk",
    title: `Damage in the backups of ${server.name}`,
    found: `${count} damaged${newestToo}`,
    why: "a restore of it would not give back what was on the server; the next backup stores the damaged parts anew",
    actionLabel: "See the backups",
    actionPath: `/servers/${server.id}/backups`,
  };
}

function pagesSuspect({ server, newest }: ServerEvidence): SeenFinding | null {
  const files = newest?.suspectPages ?? [];
  const pages = files.reduce((sum, file) => sum + file.blocks.length, 0);
  const first = files[0];
  if (newest === null || first === undefined) return null;
  return {
    checkId: "pages-suspect",
    severity: "risk",
    title: `${pages === 1 ? "One page" : `${pages} pages`} of ${server.name} with a wrong checksum`,
    found: `the server sent ${pages} pages whose checksum does not match, the first in ${first.path}, block ${first.blocks[0]}`,
    why: "it may be a torn read that recovery repairs, or rot on the server's disk; a drill tells",
    actionLabel: "Open the backup",
    actionPath: `/backups/${newest.id}`,
  };
}

/** What rolling trust found in the newest backup, which holds the pages as the server has them: it is said until the next. */
function pagesUntrusted({ server, newest }: ServerEvidence): SeenFinding | null {
  const files = newest?.trust?.findings ?? [];
  const pages = files.reduce((sum, file) => sum + file.blocks.length, 0);
  const first = files[0];
  if (newest === null || first === undefined) return null;
  const many = pages === 1 ? "One page" : `${pages} pages`;
  return {
    checkId: "pages-untrusted",
    severity: "risk",
    title: `${many} of ${server.name} changed without a trace in its WAL`,
    found: `sent again, they are not what the backup before had stored, although no WAL names them; the first in ${first.path}, block ${first.blocks[0]}`,
    why: `${untrustedWhy[first.older]}; the newest backup holds them as the server has them now`,
    remedy: {
      advice: `drill the newest backup (tidemark backup drill ${newest.id}) and check the relation with amcheck`,
    },
    actionLabel: "Open the backup",
    actionPath: `/backups/${newest.id}`,
  };
}

/** By whose pages have the lower LSN. */
const untrustedWhy = {
  stored: "the stored page was the older one, so its change was missed",
  server: "the server's page is the older one, so a write was lost there",
  neither: "both are of the same age, so one of them was damaged at rest",
} as const;

function drillFindings({ server, lastDrillRun, lastDrillVerdict }: ServerEvidence): readonly SeenFinding[] {
  const findings: SeenFinding[] = [];
  if (lastDrillVerdict?.error?.code === "drill-failed") {
    findings.push({
      checkId: "drill-failed",
      severity: "risk",
      title: `The last drill of ${server.name} failed`,
      why: "a restore of this backup may fail in the same way",
      ...aboutDrill(lastDrillVerdict, lastDrillVerdict.error),
    });
  }
  if (lastDrillRun?.error?.code === "drill-not-possible") {
    findings.push({
      checkId: "drill-not-possible",
      severity: "note",
      title: `${server.name} could not be drilled here`,
      why: "its backups stay unproven until a drill succeeds",
      ...aboutDrill(lastDrillRun, lastDrillRun.error),
    });
  }
  return findings;
}

function aboutDrill(run: Run, error: NonNullable<Run["error"]>) {
  return { found: error.message, actionLabel: "Open the drill", actionPath: `/runs/${run.id}` };
}

/** Open while the late run that stands for the missed ones has not succeeded. */
function scheduleMissed({ server, schedules, scheduledRuns, now, offline }: ServerEvidence): SeenFinding | null {
  if (offline !== null && offline.endedAt === null) return null;
  for (const schedule of schedules.filter((one) => one.enabled)) {
    const run = scheduledRuns.find((one) => one.scheduleId === schedule.id);
    const base = {
      checkId: "schedule-missed",
      severity: "note" as const,
      title: `A scheduled ${schedule.kind} of ${server.name} was missed`,
      why: "nobody was there to start it: Tidemark was stopped, or its queue was lost",
      actionLabel: "See the schedule",
      actionPath: `/servers/${server.id}/settings`,
    };
    if (run?.scheduledFor != null && run.state !== "succeeded") {
      const lateMs = run.createdAt.getTime() - run.scheduledFor.getTime();
      if (lateMs > lateRunMs) {
        return {
          ...base,
          found: `the ${schedule.kind} due at ${run.scheduledFor.toISOString()} began ${formatAge(lateMs)} late`,
        };
      }
    }
    const known = schedule.lastFiredAt ?? schedule.updatedAt;
    const since = offline?.endedAt != null && offline.endedAt > known ? offline.endedAt : known;
    const missed = missedRun({
      cron: schedule.cron,
      timeZone: schedule.zone,
      lastFiredAt: since,
      now,
      toleranceMs: lateRunMs,
    });
    if (missed !== null) return { ...base, found: missed.sentence };
  }
  return null;
}

const lateFactor = 1.25;
const graceMs = 10 * 60_000;
const lateRunMs = 2 * 60_000;
