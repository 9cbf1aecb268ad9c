import { type Clock, formatDuration } from "@tidemark/kit";
import type { RecoveryTarget } from "@tidemark/policy";
import type { ServerArea } from "@tidemark/repository";
import { drillDamagePrefix } from "../catalog.ts";
import type { DrillCheck } from "./drill-question.ts";
import type { RecoveredPoint } from "./follow-recovery.ts";

/**
 * `fetch`: the backup is written; `start`: until the first connection is taken, which is when the copy is consistent;
 * `replay`: until the target is reached and it takes writes; `start-and-recover`: both, where no WAL of the archive was
 * needed; `check`: counts nothing towards the time to recover.
 */
export interface DrillPhase {
  readonly name: "fetch" | "start" | "replay" | "start-and-recover" | "check";
  readonly durationMs: number;
}

/** To where a drill recovered. */
export interface DrillRecovery {
  /** What PostgreSQL was asked for. */
  readonly target: RecoveryTarget;
  readonly timeline: number;
  /** In words. */
  readonly sentence: string;
  readonly reached: RecoveredPoint;
  /** Segments it took from the archive. */
  readonly segments: number;
  /** Time it waited for them, in ms. */
  readonly waitedMs: number;
}

export interface DrillReport {
  readonly backupId: string;
  /**
   * `not-possible`: this machine could not try (no programs, no space, a missing feature). `unreachable`: nobody can get
   * to the target, and nobody promised it; nothing was restored. Neither says anything about the backup.
   */
  readonly outcome: "proven" | "failed" | "not-possible" | "unreachable";
  /** Why not, in a sentence; null when proven. */
  readonly reason: string | null;
  /** From the first byte fetched to the target reached and writes taken; null when that was not reached. */
  readonly rtoMs: number | null;
  readonly phases: readonly DrillPhase[];
  readonly checks: readonly DrillCheck[];
  /** Version of the PostgreSQL that was started, or null. */
  readonly serverVersion: string | null;
  /** Null: to the end of the backup, without WAL of the archive. */
  readonly recovery: DrillRecovery | null;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  /** What was restored; null when not even that was known. */
  readonly restored: {
    readonly serverName: string;
    readonly systemIdentifier: bigint;
    /** As the source reported it: 180004. */
    readonly sourceVersion: number;
    readonly stoppedAt: Date;
    readonly bytes: bigint;
  } | null;
  /** The end of the server's log, of a drill that was not proven and came that far. */
  readonly log: string | null;
}

/** Leaves the verdict in the repository: `proven`, or `damaged` when a check proved that stored bytes are bad. */
export async function markDrill(
  deps: { readonly area: ServerArea; readonly clock: Clock },
  report: DrillReport,
  by: string,
): Promise<void> {
  const base = { by, at: deps.clock.now() };
  if (report.outcome === "proven") {
    const checks = `${report.checks.length} checks passed`;
    const to = report.recovery === null ? "" : `; ${report.recovery.sentence}`;
    const text = `started on PostgreSQL ${report.serverVersion} after ${formatDuration(report.rtoMs ?? 0)}${to}; ${checks}`;
    await deps.area.addMark(report.backupId, { ...base, kind: "proven", text });
    return;
  }
  const proof = report.checks.find((check) => !check.ok && check.provesDamage);
  if (proof === undefined) return;
  // Stored bytes that could not be read are a verification's to judge, and a healing's to mend.
  const origin = proof.name === "restored" ? "" : drillDamagePrefix;
  await deps.area.addMark(report.backupId, {
    ...base,
    kind: "damaged",
    text: `${origin}${proof.name}: ${proof.detail}`,
  });
}
