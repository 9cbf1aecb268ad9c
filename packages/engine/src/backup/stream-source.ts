import { AppError, type Clock } from "@tidemark/kit";
import type { ReplicationSession } from "@tidemark/postgres";
import type { BackupWriter } from "@tidemark/repository";
import { type ActControl, reachStep } from "../act.ts";
import {
  assertServedMajor,
  type BackupSource,
  type CopyRequest,
  type OpenedSource,
  readDetails,
  type SourceDetails,
  slotNote,
  slotRefusals,
  temporarySlotName,
} from "./backup-source.ts";
import { BackupReceiver, type ReceivedBackup } from "./receive-backup.ts";
import { switchPrimary } from "./switch-primary.ts";

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
    const { systemIdentifier } = await session.identifySystem();
    const details = await readDetails(systemIdentifier, session.major, (name) => session.show(name));
    return new StreamSource(options, session, details, clock, signal);
  } catch (error) {
    await session.close();
    throw error;
  }
}

class StreamSource implements OpenedSource {
  readonly method = "stream";
  readonly details: SourceDetails;
  /** Never: the stream itself ends with its session. */
  readonly lost = new AbortController().signal;
  readonly #options: StreamOptions;
  readonly #session: ReplicationSession;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;

  constructor(
    options: StreamOptions,
    session: ReplicationSession,
    details: SourceDetails,
    clock: Clock,
    signal: AbortSignal,
  ) {
    this.#options = options;
    this.#session = session;
    this.details = details;
    this.#clock = clock;
    this.#signal = signal;
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

  async copy(writer: BackupWriter, request: CopyRequest, control: ActControl): Promise<ReceivedBackup> {
    await reachStep(control, "backup:before-stream");
    const kind = request.checkpoint === "fast" ? "an immediate" : "a spread";
    control.emit({ kind: "phase", phase: "checkpoint", message: `waiting for ${kind} checkpoint` });
    const stream = this.#session.baseBackup({
      label: request.label,
      checkpoint: request.checkpoint,
      maxRateKib: request.maxRateKib ?? undefined,
      includeWal: true,
      progress: true,
    });
    await using primary = switchPrimary(this.#options.connectPrimary, this.#clock, control);
    const receiver = new BackupReceiver(writer, this.details, control, this.#clock, () => primary.begin());
    return await receiver.receive(stream.events());
  }

  /**
   * BASE_BACKUP reports a promotion, and WAL replayed with full_page_writes off, by the same SQLSTATE and function
   * (xlog.c); which it was shows in whether the server is still in recovery.
   */
  async explain(error: unknown): Promise<unknown> {
    if (!(error instanceof AppError) || !isStandbyRefusal(error)) return error;
    try {
      const session = await this.#options.connect(this.#signal);
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
