import { AppError, type Clock } from "@tidemark/kit";
import { formatLsn, type Lsn, type ReplicationSession, type SqlSession } from "@tidemark/postgres";
import type { BackupReading, BackupWriter } from "@tidemark/repository";
import { type ActControl, reachStep } from "../act.ts";
import {
  assertServedMajor,
  type BackupSource,
  type CopiedBackup,
  type CopyRequest,
  type OpenedSource,
  readDetails,
  type SourceDetails,
  slotNote,
  slotRefusals,
  temporarySlotName,
} from "./backup-source.ts";
import { IncrementalCopy } from "./incremental-copy.ts";
import { planReading, type ReadingPlan } from "./incremental-plan.ts";
import { BackupReceiver, type ReceivedBackup } from "./receive-backup.ts";
import { RollingTrust } from "./rolling-trust.ts";
import { switchPrimary } from "./switch-primary.ts";
import { planResends, type ResendPlan } from "./trust-plan.ts";
import { nextTrustRound } from "./trust-round.ts";

type StreamOptions = BackupSource & { readonly kind: "stream" };

/** Copies a server with BASE_BACKUP. */
export async function openStreamSource(
  options: StreamOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<OpenedSource> {
  const session = await options.connect(signal);
  try {
    assertServedMajor(session.major, session.versionText);
    const { systemIdentifier, timeline } = await session.identifySystem();
    const details = await readDetails(systemIdentifier, session.major, (name) => session.show(name));
    return new StreamSource({ options, session, details, timeline, clock, signal });
  } catch (error) {
    await session.close();
    throw error;
  }
}

interface StreamParts {
  readonly options: StreamOptions;
  readonly session: ReplicationSession;
  readonly details: SourceDetails;
  readonly timeline: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

class StreamSource implements OpenedSource {
  readonly method = "stream";
  readonly details: SourceDetails;
  /** Never: the stream itself ends with its session. */
  readonly lost = new AbortController().signal;
  readonly #parts: StreamParts;
  readonly #options: StreamOptions;
  readonly #session: ReplicationSession;
  isIncremental = false;

  constructor(parts: StreamParts) {
    this.#parts = parts;
    this.#options = parts.options;
    this.#session = parts.session;
    this.details = parts.details;
  }

  /**
   * A temporary slot keeps the server from removing the WAL this copy needs; it goes away with the session, however
   * that ends. Without a free one the copy usually succeeds all the same, so it goes on and says so.
   */
  async reserveWal(backupId: string, control: ActControl): Promise<readonly string[]> {
    await reachStep(control, "backup:before-slot");
    try {
      await this.#session.createTemporarySlot(temporarySlotName(backupId));
      return [];
    } catch (error) {
      if (!(error instanceof AppError && slotRefusals.has(error.code))) throw error;
      const note = slotNote(error);
      control.emit({ kind: "log", level: "warning", message: note });
      return [note];
    }
  }

  async copy(writer: BackupWriter, request: CopyRequest, control: ActControl): Promise<CopiedBackup> {
    const plan = await this.#planReading(writer, request, control);
    if (plan.kind === "full") {
      control.emit({ kind: "log", level: "info", message: `everything is read: ${plan.why}` });
      const received = await this.#receive(writer, request, control, null);
      const reading: BackupReading = { kind: "full", reason: plan.isNews ? plan.why : null };
      return { ...received, reading, trustRound: null, trustFindings: null };
    }
    this.isIncremental = true;
    const connectSql = this.#connectSql();
    const resends = await this.#planResends(plan, control);
    const frames = request.area.frames();
    const trust = new RollingTrust({ plan: plan.plan, writer, frames, details: this.details, connectSql, control });
    const increments = this.#incrementalCopy(plan, resends, trust, writer, control);
    const from = formatLsn(plan.plan.from.lsn as Lsn);
    const message = `reading what changed since ${from}, where backup ${plan.plan.parentId} began`;
    control.emit({ kind: "log", level: "info", message });
    await increments.upload();
    const received = await this.#receive(writer, request, control, increments);
    const reading: BackupReading = increments.reading;
    const trustFindings = await trust.settle({ timeline: received.timeline, lsn: received.startLsn });
    return { ...received, reading, trustRound: resends.round, trustFindings };
  }

  #connectSql(): (signal: AbortSignal) => Promise<SqlSession> {
    const { connectSql } = this.#options;
    if (connectSql === undefined) throw new AppError("internal", { message: "an increment was planned without SQL" });
    return connectSql;
  }

  #planReading(writer: BackupWriter, request: CopyRequest, control: ActControl): Promise<ReadingPlan> {
    const { connectSql, connectPrimary } = this.#options;
    const { area, parent, fullBecause, restartpointWaitMs } = request;
    const { details, session, timeline, clock } = this.#parts;
    const server = { details, session, timeline, connectSql, connectPrimary, restartpointWaitMs };
    return planReading({ fullBecause, parent, area, writer, ...server, clock, control });
  }

  async #planResends({ plan }: ReadingPlan & { kind: "incremental" }, control: ActControl): Promise<ResendPlan> {
    const { backup } = plan.parent;
    const { plainBytes, counts, facts } = backup;
    const parent = { plainBytes, counts, suspectPages: facts.suspectPages, files: () => plan.parent.files() };
    const resends = await planResends(parent, nextTrustRound(facts.trustRound));
    if (resends.reason !== null) control.emit({ kind: "log", level: "info", message: resends.reason });
    return resends;
  }

  #incrementalCopy(
    { plan }: ReadingPlan & { kind: "incremental" },
    resends: ResendPlan,
    trust: RollingTrust,
    writer: BackupWriter,
    control: ActControl,
  ): IncrementalCopy {
    return new IncrementalCopy({
      plan,
      writer,
      session: this.#session,
      details: this.details,
      connectSql: this.#connectSql(),
      resends: ({ path }) => resends.includes(path),
      comparison: trust.comparison,
      control,
    });
  }

  async #receive(
    writer: BackupWriter,
    request: CopyRequest,
    control: ActControl,
    increments: IncrementalCopy | null,
  ): Promise<ReceivedBackup> {
    const { details } = this;
    const { clock } = this.#parts;
    await reachStep(control, "backup:before-stream");
    const kind = request.checkpoint === "fast" ? "an immediate" : "a spread";
    control.emit({ kind: "phase", phase: "checkpoint", message: `waiting for ${kind} checkpoint` });
    const stream = this.#session.baseBackup({
      label: request.label,
      checkpoint: request.checkpoint,
      maxRateKib: request.maxRateKib ?? undefined,
      includeWal: true,
      progress: true,
      incremental: increments === null ? undefined : details,
    });
    await using primary = switchPrimary(this.#options.connectPrimary, clock, control);
    const onStopping = () => primary.begin();
    const receiver = new BackupReceiver({ writer, source: details, control, clock, onStopping, increments });
    return await receiver.receive(stream.turns());
  }

  /**
   * BASE_BACKUP reports a promotion, and WAL replayed with full_page_writes off, by the same SQLSTATE and function
   * (xlog.c); which it was shows in whether the server is still in recovery.
   */
  async explain(error: unknown): Promise<unknown> {
    if (!(error instanceof AppError) || !isStandbyRefusal(error)) return error;
    try {
      const session = await this.#options.connect(this.#parts.signal);
      try {
        // Every transaction of a server in recovery is read-only; in_hot_standby came with 14 only.
        if ((await session.show("transaction_read_only")) === "on") return error;
      } finally {
        await session.close();
      }
    } catch {
      // What could not be found out leaves the server's own word.
      return error;
    }
    return standbyPromoted(error);
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}

/** The server said so, or was asked: it was a standby when the backup began and is none any more. */
export function standbyPromoted(cause: unknown): AppError {
  return new AppError("standby-promoted", {
    message: "the standby was promoted while it was backed up, so the copy cannot be made consistent",
    hint: "nothing was stored; take a backup of the new primary",
    cause,
  });
}

/** 55000 of the functions that look for a promotion (basebackup.c sendDir; xlog.c, renamed in 15). */
function isStandbyRefusal(error: AppError): boolean {
  if (error.code === "standby-promoted") return false;
  return error.context.sqlState === "55000" && standbyRoutines.has(String(error.context.routine));
}

const standbyRoutines: ReadonlySet<string> = new Set(["sendDir", "do_pg_stop_backup", "do_pg_backup_stop"]);
