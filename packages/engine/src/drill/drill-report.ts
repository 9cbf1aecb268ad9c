import { type Clock, formatDuration } from "@tidemark/kit";
import type { ServerArea } from "@tidemark/repository";
import { drillDamagePrefix } from "../catalog.ts";
import type { DrillCheck } from "./drill-question.ts";

export interface DrillPhase {
  readonly name: "fetch" | "start-and-recover" | "check";
  readonly durationMs: number;
}

export interface DrillReport {
  readonly backupId: string;
  /** `not-possible`: this machine could not try (no programs, no space, a missing feature); it says nothing about the backup. */
  readonly outcome: "proven" | "failed" | "not-possible";
  /** Why not, in a sentence; null when proven. */
  readonly reason: string | null;
  /** From the first byte fetched to the first connection taken; null when that was not reached. */
  readonly rtoMs: number | null;
  readonly phases: readonly DrillPhase[];
  readonly checks: readonly DrillCheck[];
  /** Version of the PostgreSQL that was started, or null. */
  readonly serverVersion: string | null;
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
    const text = `started on PostgreSQL ${report.serverVersion} after ${formatDuration(report.rtoMs ?? 0)}; ${checks}`;
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
