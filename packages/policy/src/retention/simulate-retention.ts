import { AppError } from "@tidemark/kit";
import { runsAfter, type ScheduleTimes } from "../schedule.ts";
import { checkRetentionPolicy } from "./check-retention.ts";
import { periodNamer } from "./periods.ts";
import { planWithPeriods } from "./plan-retention.ts";
import type {
  DeleteCode,
  KeepCode,
  RetentionCandidate,
  RetentionHold,
  RetentionPlan,
  RetentionPolicy,
  RetentionReason,
} from "./retention-types.ts";

export interface SimulationRequest {
  readonly backups: readonly RetentionCandidate[];
  readonly policy: RetentionPolicy;
  /** Taken to last for ever: nobody can foretell a release. */
  readonly holds: readonly RetentionHold[];
  /** When backups will be taken; null: no more will come. */
  readonly schedules: readonly ScheduleTimes[];
  readonly from: Date;
  readonly to: Date;
  /** How long a backup takes, for those to come. */
  readonly copyMs: number;
}

/** Why a backup stays, from an instant until the next span's. */
export interface KeptSpan {
  readonly from: Date;
  readonly codes: readonly KeepCode[];
}

export interface SimulatedBackup {
  readonly backupId: string;
  /** Foretold from the schedules; it does not exist. */
  readonly predicted: boolean;
  readonly startedAt: Date;
  readonly stoppedAt: Date | null;
  readonly spans: readonly KeptSpan[];
  /** Null: it is still there at the end. */
  readonly deletedAt: Date | null;
  readonly deletedReasons: readonly RetentionReason<DeleteCode>[];
}

export interface RetentionSimulation {
  readonly from: Date;
  /** As asked, or earlier when the schedules would give more than 10,000 backups until then. */
  readonly to: Date;
  /** Oldest first; those that exist, then those that are foretold. */
  readonly backups: readonly SimulatedBackup[];
  /** The plan at the end, with sentences. */
  readonly plan: RetentionPlan;
}

/**
 * What becomes of the backups there are, and of those that will be taken, if the policy is applied once a day behind the
 * last backup of that day. Every backup to come succeeds and is proven by nobody; damaged and running ones stay what
 * they are. Yields after each day, so that a caller can let others have their turn; the value returned is the result.
 *
 * Throws `policy-invalid`, `cron-invalid`, and `bad-request` for an interval that ends before it begins or is longer
 * than ten years.
 */
export function* simulationSteps(request: SimulationRequest): Generator<Date, RetentionSimulation> {
  checkRetentionPolicy(request.policy);
  checkInterval(request);
  const { coming, to } = foretell(request);
  const nameOf = periodNamer(request.policy.timeZone);
  const histories = new Map<string, History>();
  for (const candidate of request.backups) histories.set(candidate.backupId, newHistory(candidate, false));
  let present: readonly RetentionCandidate[] = request.backups;
  const planAt = (now: Date): RetentionPlan => {
    const plan = planWithPeriods({ backups: present, policy: request.policy, holds: request.holds, now }, nameOf);
    const gone = new Set(plan.deleted.map((one) => one.backupId));
    if (gone.size > 0) present = present.filter((one) => !gone.has(one.backupId));
    record(histories, plan, now);
    return plan;
  };
  let plan = planAt(request.from);
  for (const day of coming) {
    for (const candidate of day) histories.set(candidate.backupId, newHistory(candidate, true));
    present = [...present, ...day];
    const now = day.at(-1)?.stoppedAt ?? request.from;
    yield now;
    plan = planAt(now);
  }
  if (plan.plannedAt.getTime() < to.getTime()) plan = planAt(to);
  return { from: request.from, to, backups: [...histories.values()].map(finish), plan };
}

/** As `simulationSteps`, at once: about a millisecond for each day and hundred backups. */
export function simulateRetention(request: SimulationRequest): RetentionSimulation {
  const steps = simulationSteps(request);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The backups there are at an instant of the simulation, and by which rules. */
export function keptAt(
  simulation: RetentionSimulation,
  at: Date,
): readonly { readonly backup: SimulatedBackup; readonly codes: readonly KeepCode[] }[] {
  const atMs = at.getTime();
  return simulation.backups.flatMap((backup) => {
    if (backup.deletedAt !== null && backup.deletedAt.getTime() <= atMs) return [];
    if (backup.predicted && (backup.stoppedAt?.getTime() ?? 0) > atMs) return [];
    const span = backup.spans.findLast(({ from }) => from.getTime() <= atMs) ?? backup.spans[0];
    return [{ backup, codes: span?.codes ?? [] }];
  });
}

function checkInterval({ from, to }: SimulationRequest): void {
  const lengthMs = to.getTime() - from.getTime();
  if (lengthMs >= 0 && lengthMs <= longestMs) return;
  throw new AppError("bad-request", {
    message: "a simulation ends after it begins and looks at most ten years ahead",
    hint: "choose another end",
  });
}

/** The backups to come, those of a day (UTC) together, in the order in which they end. */
function foretell(request: SimulationRequest): { readonly coming: readonly RetentionCandidate[][]; readonly to: Date } {
  const times: number[] = [];
  let to = request.to;
  for (const schedule of request.schedules) {
    let count = 0;
    for (const run of runsAfter(schedule, request.from)) {
      if (run.getTime() + request.copyMs > to.getTime()) break;
      if (++count > mostForetold) {
        to = run;
        break;
      }
      times.push(run.getTime());
    }
  }
  const days = new Map<number, RetentionCandidate[]>();
  for (const startMs of [...new Set(times)].sort((left, right) => left - right)) {
    const stoppedAt = new Date(startMs + request.copyMs);
    if (stoppedAt.getTime() > to.getTime()) break;
    const candidate = {
      backupId: `foretold:${new Date(startMs).toISOString()}`,
      startedAt: new Date(startMs),
      stoppedAt,
    };
    const day = Math.floor(stoppedAt.getTime() / dayMs);
    days.set(day, [...(days.get(day) ?? []), { ...candidate, state: "usable", proven: false }]);
  }
  return { coming: [...days.values()], to };
}

interface History {
  readonly candidate: RetentionCandidate;
  readonly predicted: boolean;
  readonly spans: KeptSpan[];
  deletedAt: Date | null;
  deletedReasons: readonly RetentionReason<DeleteCode>[];
}

function newHistory(candidate: RetentionCandidate, predicted: boolean): History {
  return { candidate, predicted, spans: [], deletedAt: null, deletedReasons: [] };
}

function record(histories: ReadonlyMap<string, History>, plan: RetentionPlan, now: Date): void {
  for (const { backupId, reasons } of plan.kept) {
    const spans = histories.get(backupId)?.spans ?? [];
    const codes = reasons.map(({ code }) => code);
    if (codes.join() !== spans.at(-1)?.codes.join()) spans.push({ from: now, codes });
  }
  for (const { backupId, reasons } of plan.deleted) {
    const history = histories.get(backupId);
    if (history === undefined) continue;
    history.deletedAt = now;
    history.deletedReasons = reasons;
  }
}

function finish({ candidate, predicted, spans, deletedAt, deletedReasons }: History): SimulatedBackup {
  const { backupId, startedAt, stoppedAt } = candidate;
  return { backupId, predicted, startedAt, stoppedAt, spans, deletedAt, deletedReasons };
}

const dayMs = 86_400_000;
const longestMs = 3_653 * dayMs;
const mostForetold = 10_000;
