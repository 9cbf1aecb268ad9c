import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError, type Clock, describeError, formatDuration, joinCleanup } from "@tidemark/kit";
import { findPostgres, isKnownMajor, type PostgresInstallation, type RunningCluster } from "@tidemark/local-postgres";
import type { TargetRequest } from "@tidemark/policy";
import { parsePgControl } from "@tidemark/postgres";
import type { ServerArea } from "@tidemark/repository";
import { type ActControl, cancellation, reachStep, throwIfCancelled } from "../act.ts";
import type { RecoveryPlan } from "../point-in-time/recovery-request.ts";
import { executeRestore } from "../restore/execute-restore.ts";
import type { RestorePlan } from "../restore/plan-restore.ts";
import { blocksPerSegment } from "../verify/verified-manifests.ts";
import { checkDataFiles } from "./check-data-files.ts";
import { checkDatabases } from "./drill-checks.ts";
import {
  checkExpectedAnswers,
  type DrillExpectations,
  noExpectations,
  type SqlExpectation,
} from "./drill-expectations.ts";
import { type DrillCheck, plainCheck } from "./drill-question.ts";
import { type DrillPhase, type DrillRecovery, type DrillReport, markDrill } from "./drill-report.ts";
import { drillSessions, type OpenDrillSession, openAnyDatabase, readerSessions } from "./drill-sql.ts";
import { explainChecks, explainFailure } from "./explain-failure.ts";
import { drillRole, type IsolatedStart, makeDrillRole, startIsolated } from "./isolated-server.ts";
import { obstacleAnywhere, obstacleHere, planTrial, type TrialTarget } from "./plan-drill.ts";
import { endedAtGap, isGapStill, reachedCheck } from "./reached-check.ts";
import { removeScratch, type ScratchPlace, scratchPlace } from "./scratch.ts";
import { type StartedRecovery, startRecovery } from "./start-recovery.ts";

export interface DrillDeps {
  readonly area: ServerArea;
  readonly clock: Clock;
  /** Below it each drill works in a folder of its own, thrown away at its end. */
  readonly scratchDir: string;
  /** Where builds of PostgreSQL fetched from npm are kept. */
  readonly postgresCacheDir: string;
}

export interface DrillRequest {
  readonly drillId: string;
  /** Null: the newest usable backup. */
  readonly backupId: string | null;
  readonly by: string;
  /** For the questions to the server together, and again for its pages. */
  readonly checkBudgetMs: number;
  /** For starting, until it is consistent. */
  readonly startTimeoutMs: number;
  /** For the replay of WAL from the archive. Default: as for starting. */
  readonly replayTimeoutMs?: number;
  /** To where. Null or left out: the end of the archived WAL when there is any, else the end of the backup. */
  readonly target?: TrialTarget | null;
  /** Default `latest`. */
  readonly timeline?: TargetRequest["timeline"];
  /**
   * Whether somebody may count on the target: a policy names it, or the recovery window says that it can be reached. Then
   * a drill that cannot get there has failed; else it is `unreachable`, which is no verdict. Default true.
   */
  readonly promised?: boolean;
  readonly expectations?: DrillExpectations;
  /** A copy that needs more than this is not made here. Null or left out: no limit but the disk's. */
  readonly maxBytes?: bigint | null;
}

/**
 * Proves a backup: restores it to a scratch place, starts a real PostgreSQL of its major on it, isolated, lets it
 * recover, checks it, measures how long that took, stops it and throws it away. Adds a `proven` mark, or `damaged` when
 * a check proved that bytes are bad. Throws only `cancelled`, `not-found` and what kept it from asking the repository.
 */
export async function runDrill(deps: DrillDeps, request: DrillRequest, control: ActControl): Promise<DrillReport> {
  const place = await scratchPlace(deps.scratchDir, request.drillId);
  // What an earlier attempt of this very drill left.
  await removeScratch(place.root);
  const drill = new Drill(deps, request, control, place);
  let report: DrillReport;
  try {
    report = await drill.run();
  } catch (error) {
    throw await joinCleanup(control.signal.aborted ? cancellation(control.signal) : error, () => drill.cleanUp());
  }
  try {
    await drill.cleanUp();
  } catch (error) {
    // What was found counts all the same; who clears what dead drills left comes back to it.
    const message = `the copy could not be thrown away: ${describeError(error).message}`;
    control.emit({ kind: "log", level: "error", message });
  }
  await reachStep(control, "drill:before-mark");
  await markDrill(deps, report, request.by);
  return report;
}

class Drill {
  readonly #deps: DrillDeps;
  readonly #request: DrillRequest;
  readonly #control: ActControl;
  readonly #place: ScratchPlace;
  readonly #startedAt: Date;
  readonly #phases: DrillPhase[] = [];
  readonly #checks: DrillCheck[] = [];
  #plan: RestorePlan | null = null;
  #installation: PostgresInstallation | null = null;
  #cluster: RunningCluster | null = null;
  #recovering: StartedRecovery | null = null;
  #recovery: DrillRecovery | null = null;

  constructor(deps: DrillDeps, request: DrillRequest, control: ActControl, place: ScratchPlace) {
    this.#deps = deps;
    this.#request = request;
    this.#control = control;
    this.#place = place;
    this.#startedAt = deps.clock.now();
  }

  async run(): Promise<DrillReport> {
    const { backupId, target = null, timeline = "latest", promised = true, maxBytes = null } = this.#request;
    const goal = { backupId, target, timeline, action: "promote" } as const;
    const plan = await planTrial(this.#deps, goal, this.#place, this.#control.signal);
    this.#plan = plan;
    const lost = obstacleAnywhere(plan);
    if (lost !== null) {
      if (lost.isTarget && !promised) return await this.#report("unreachable", lost.sentence);
      this.#checks.push(plainCheck("restorable", false, lost.sentence));
      return await this.#report("failed", lost.sentence);
    }
    const obstacle = obstacleHere(plan, maxBytes);
    if (obstacle !== null) return await this.#report("not-possible", obstacle);
    try {
      const installation = await this.#findPostgres(plan);
      this.#installation = installation;
      await this.#fetch(plan);
      await this.#start(plan, installation);
      await this.#check(plan, installation);
    } catch (error) {
      throwIfCancelled(this.#control.signal);
      return await this.#explain(error);
    }
    const failure = explainChecks(this.#checks, await this.#log(), this.#place.root);
    return failure === null ? await this.#report("proven", null) : await this.#report(failure.outcome, failure.reason);
  }

  async cleanUp(): Promise<void> {
    const cluster = this.#cluster;
    this.#cluster = null;
    // Where its recovery was cut off it may be another one by now.
    const recovering = this.#recovering?.cluster;
    const ends = [
      () => cluster?.stop({ mode: "immediate", timeoutMs: stopTimeoutMs }),
      () => (recovering === cluster ? undefined : recovering?.stop({ mode: "immediate", timeoutMs: stopTimeoutMs })),
      () => this.#recovering?.stopFeed(),
    ];
    for (const end of ends) {
      try {
        await end();
      } catch (error) {
        // One that cannot be ended keeps no other from it, and removing the place ends what is left in it.
        this.#control.emit({ kind: "log", level: "warning", message: describeError(error).message });
      }
    }
    await removeScratch(this.#place.root);
  }

  async #findPostgres(plan: RestorePlan): Promise<PostgresInstallation> {
    const major = Math.floor(plan.facts.serverVersion / 10_000);
    if (!isKnownMajor(major))
      throw new AppError("postgres-binaries-missing", { message: `PostgreSQL ${major} is none we know how to run` });
    return await findPostgres(major, {
      cacheDir: this.#deps.postgresCacheDir,
      preferHost: true,
      onProgress: (message) => this.#control.emit({ kind: "log", level: "info", message }),
      signal: this.#control.signal,
    });
  }

  async #fetch(plan: RestorePlan): Promise<void> {
    await reachStep(this.#control, "drill:before-restore");
    await this.#measure("fetch", () => executeRestore(this.#deps, plan, this.#control));
  }

  async #start(plan: RestorePlan, installation: PostgresInstallation): Promise<void> {
    await reachStep(this.#control, "drill:before-start");
    this.#control.emit({
      kind: "phase",
      phase: "starting",
      message: `starting PostgreSQL ${installation.version} on the copy, isolated`,
    });
    if (plan.recovery === null) {
      this.#cluster = await this.#measure("start-and-recover", () => startIsolated(this.#isolated(installation)));
    } else await this.#recover(plan, plan.recovery, installation);
    this.#checks.push(plainCheck("started", true, `PostgreSQL ${installation.version} took connections`));
    const at = /consistent recovery state reached at ([0-9A-F]+\/[0-9A-F]+)/.exec(await this.#log())?.[1];
    this.#checks.push(plainCheck("consistent", true, at === undefined ? "its recovery ended" : `at LSN ${at}`));
  }

  async #recover(plan: RestorePlan, recovery: RecoveryPlan, installation: PostgresInstallation): Promise<void> {
    const { area, clock } = this.#deps;
    const { startTimeoutMs, replayTimeoutMs = startTimeoutMs } = this.#request;
    const started = await this.#measure("start", () =>
      startRecovery({
        area,
        clock,
        installation,
        place: this.#place,
        recovery,
        segmentSizeBytes: plan.facts.walSegmentSizeBytes,
        startTimeoutMs,
        replayTimeoutMs,
        lifetime: "child",
        control: this.#control,
      }),
    );
    this.#recovering = started;
    this.#cluster = started.cluster;
    this.#control.emit({ kind: "phase", phase: "replaying", message: recovery.sentence });
    const reached = await this.#measure("replay", () => started.follow("writable"));
    this.#cluster = started.cluster;
    const { servedSegments, waitedMs, lastMissing } = started.walUse();
    await started.stopFeed();
    this.#recovery = {
      target: recovery.recoverAs,
      timeline: recovery.timeline,
      sentence: recovery.sentence,
      reached,
      segments: servedSegments,
      waitedMs: Math.round(waitedMs),
    };
    const archive = area.wal(recovery.systemIdentifier);
    const isCutOff = await isGapStill(archive, recovery, plan.facts.walSegmentSizeBytes);
    this.#checks.push(isCutOff ? endedAtGap(recovery, reached) : reachedCheck(recovery, reached, lastMissing));
  }

  async #check(plan: RestorePlan, installation: PostgresInstallation): Promise<void> {
    await reachStep(this.#control, "drill:before-checks");
    this.#control.emit({ kind: "phase", phase: "checking", message: "counting rows, checking indexes and pages" });
    const { clock } = this.#deps;
    const { signal } = this.#control;
    await this.#measure("check", async () => {
      const openSession = await this.#superuserSessions(installation);
      const { checkBudgetMs, expectations = noExpectations } = this.#request;
      const options = { budgetMs: checkBudgetMs, clock, signal };
      this.#checks.push(...(await checkDatabases(openSession, options, expectations)));
      this.#checks.push(...(await this.#askQuestions(openSession, expectations.sql)));
      await this.#stop();
      if (!plan.facts.checksumsEnabled) return;
      const { blockSize } = plan.facts;
      const deadlineMs = clock.monotonicMs() + this.#request.checkBudgetMs;
      const layout = { blockSize, blocksPerSegment: blocksPerSegment(plan.facts) };
      this.#checks.push(
        await checkDataFiles({
          dataDir: plan.targetDirectory,
          tablespaces: plan.tablespaces,
          layout,
          deadlineMs,
          clock,
          signal,
        }),
      );
    });
  }

  async #askQuestions(openSession: OpenDrillSession, questions: readonly SqlExpectation[]) {
    const cluster = this.#cluster;
    if (questions.length === 0 || cluster === null) return [];
    const { signal } = this.#control;
    const databases = questions.map(({ database }) => database);
    return await checkExpectedAnswers(await readerSessions(cluster, openSession, databases, signal), questions, signal);
  }

  /** A clean shutdown is a check of its own: it writes every page and the control file. */
  async #stop(): Promise<void> {
    await reachStep(this.#control, "drill:before-stop");
    const how = await this.#cluster?.stop({ mode: "fast", timeoutMs: stopTimeoutMs });
    this.#cluster = null;
    const { state } = parsePgControl(await readFile(join(this.#place.dataDir, "global", "pg_control")));
    this.#checks.push({
      name: "stopped cleanly",
      ok: state === "shut-down",
      detail: `the server is ${state} (${how?.how ?? "was-stopped"})`,
      provesDamage: false,
    });
  }

  /** As `postgres`, or, where that role is missing or may not log in, as one made in the copy for this. */
  async #superuserSessions(installation: PostgresInstallation): Promise<OpenDrillSession> {
    const cluster = this.#cluster;
    if (cluster === null) throw new AppError("internal", { message: "the drilled server is not running" });
    const asPostgres = drillSessions(cluster, "postgres", this.#control.signal);
    try {
      const session = await openAnyDatabase(asPostgres);
      const rows = await session.query("SELECT current_setting('is_superuser') AS answer", [], questionMs);
      await session.close();
      if (rows[0]?.answer === "on") return asPostgres;
    } catch (error) {
      if (!(error instanceof AppError && error.code === "role-unknown")) throw error;
    }
    this.#control.emit({
      kind: "log",
      level: "info",
      message: "there is no superuser called postgres; making one in the copy",
    });
    await cluster.stop({ mode: "fast", timeoutMs: stopTimeoutMs });
    const isolated = this.#isolated(installation);
    await makeDrillRole(isolated);
    this.#cluster = await startIsolated(isolated);
    return drillSessions(this.#cluster, drillRole, this.#control.signal);
  }

  /** Throws what says nothing about the backup nor about this machine. */
  async #explain(error: unknown): Promise<DrillReport> {
    if (!(error instanceof AppError)) throw error;
    const failure = explainFailure(error, await this.#log(), this.#place.root);
    if (failure === null) throw error;
    if (failure.check !== null) this.#checks.push(failure.check);
    return await this.#report(failure.outcome, failure.reason);
  }

  #isolated(installation: PostgresInstallation): IsolatedStart {
    return {
      installation,
      place: this.#place,
      startTimeoutMs: this.#request.startTimeoutMs,
      signal: this.#control.signal,
    };
  }

  async #measure<T>(name: DrillPhase["name"], work: () => Promise<T>): Promise<T> {
    const startedMs = this.#deps.clock.monotonicMs();
    const result = await work();
    const durationMs = Math.round(this.#deps.clock.monotonicMs() - startedMs);
    this.#phases.push({ name, durationMs });
    this.#control.emit({ kind: "log", level: "info", message: `${name} took ${formatDuration(durationMs)}` });
    return result;
  }

  /** The end of the log of the server that was started. */
  async #log(): Promise<string> {
    const log = await readFile(this.#place.logPath, "utf8").catch(() => "");
    return log.slice(-logTailBytes);
  }

  async #report(outcome: DrillReport["outcome"], reason: string | null): Promise<DrillReport> {
    const plan = this.#plan;
    const backupId = plan?.backupId ?? "";
    const running = this.#phases.filter(({ name }) => name !== "check");
    const isUp = running.some(({ name }) => name === "replay" || name === "start-and-recover");
    const level = outcome === "proven" ? "info" : "error";
    const message = reason === null ? `${backupId} is proven` : `${backupId}: ${outcome}: ${reason}`;
    this.#control.emit({ kind: "log", level, message });
    const log = outcome === "proven" ? "" : await this.#log();
    return {
      backupId,
      outcome,
      reason,
      rtoMs: isUp ? running.reduce((sum, { durationMs }) => sum + durationMs, 0) : null,
      phases: this.#phases,
      checks: this.#checks,
      serverVersion: this.#installation?.version ?? null,
      recovery: this.#recovery,
      startedAt: this.#startedAt,
      finishedAt: this.#deps.clock.now(),
      restored: plan === null ? null : restoredOf(plan),
      log: log === "" ? null : log,
    };
  }
}

function restoredOf({ facts, bytesToWrite }: RestorePlan): DrillReport["restored"] {
  const { serverName, systemIdentifier, serverVersion, stoppedAt } = facts;
  return { serverName, systemIdentifier, sourceVersion: serverVersion, stoppedAt, bytes: bytesToWrite };
}

const stopTimeoutMs = 60_000;
const questionMs = 10_000;
const logTailBytes = 64 * 1024;
