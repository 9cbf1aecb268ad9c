import { AppError, type Clock } from "@tidemark/kit";
import type { SqlSession } from "@tidemark/postgres";
import type { BackupWriter } from "@tidemark/repository";
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
} from "../backup/backup-source.ts";
import { switchPrimary } from "../backup/switch-primary.ts";
import type { ClusterFiles } from "./cluster-files.ts";
import { LocalFiles } from "./local-files.ts";
import { RunningFileBackup } from "./running-file-backup.ts";
import { ServerFiles } from "./server-files.ts";

type FileOptions = BackupSource & { readonly kind: "files" };

/** Copies a server with the low-level API: start, files one by one, stop, WAL. */
export async function openFileSource(options: FileOptions, clock: Clock, signal: AbortSignal): Promise<OpenedSource> {
  const session = await options.connectSql(signal);
  try {
    assertServedMajor(session.major, session.versionText);
    const [row] = await session.query<{ system: string }>(systemQuestion);
    const details = await readDetails(BigInt(row?.system ?? 0), session.major, (name) => show(session, name));
    return new FileSource(options, session, details, clock, signal);
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** Everybody may ask, unless somebody revoked it. */
const systemQuestion = "SELECT system_identifier::text AS system FROM pg_catalog.pg_control_system()";

async function show(session: SqlSession, setting: string): Promise<string> {
  const [row] = await session.query<{ value: string }>("SELECT pg_catalog.current_setting($1) AS value", [setting]);
  return row?.value ?? "";
}

class FileSource implements OpenedSource {
  readonly method: OpenedSource["method"];
  readonly details: SourceDetails;
  readonly #options: FileOptions;
  readonly #session: SqlSession;
  readonly #clock: Clock;
  readonly #files: ClusterFiles;
  /** Aborted with the reason when the backup's session is lost: everything else ends with it. */
  readonly #lost = new AbortController();
  #running: RunningFileBackup | null = null;
  #hasSlot = false;

  constructor(options: FileOptions, session: SqlSession, details: SourceDetails, clock: Clock, signal: AbortSignal) {
    const { dataDirectory, readers, connectSql } = options;
    this.method = dataDirectory === null ? "read-files" : "local-files";
    this.details = details;
    this.#options = options;
    this.#session = session;
    this.#clock = clock;
    const { dataDirectoryMode } = details;
    this.#files =
      dataDirectory === null
        ? new ServerFiles({
            connectSql,
            readers,
            signal: AbortSignal.any([signal, this.#lost.signal]),
            dataDirectoryMode,
          })
        : new LocalFiles(dataDirectory, readers);
  }

  /** A temporary slot of the session that holds the backup, gone with it. Without one, WAL is copied as it is closed. */
  async reserveWal(backupId: string, control: ActControl): Promise<readonly string[]> {
    await reachStep(control, "backup:before-slot");
    try {
      await this.#session.query(slotQuestion, [temporarySlotName(backupId)]);
      this.#hasSlot = true;
      return [];
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      // 55000 of CheckSlotRequirements: max_replication_slots = 0; without enough wal_level the start says so.
      if (!slotRefusals.has(error.code) && error.context.routine !== "CheckSlotRequirements") throw error;
      const note = slotNote(error);
      control.emit({ kind: "log", level: "warning", message: note });
      return [note];
    }
  }

  get isIncremental(): boolean {
    return false;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async copy(writer: BackupWriter, request: CopyRequest, control: ActControl): Promise<CopiedBackup> {
    const whole = { ...control, signal: AbortSignal.any([control.signal, this.#lost.signal]) };
    this.#running = new RunningFileBackup({
      session: this.#session,
      files: this.#files,
      details: this.details,
      localPlace: this.#options.dataDirectory,
      hasSlot: this.#hasSlot,
      writer,
      request,
      control: whole,
      clock: this.#clock,
      onLost: (error) => this.#lost.abort(error),
    });
    await using primary = switchPrimary(this.#options.connectPrimary, this.#clock, control);
    const received = await this.#running.run(() => primary.begin());
    const reason = request.parent.isFirst ? null : "the files are read one by one, which is always all of them";
    return { ...received, reading: { kind: "full", reason }, trustRound: null, trustFindings: null };
  }

  /** The loss of the session that held the backup is why everything else failed. */
  async explain(error: unknown): Promise<unknown> {
    return this.#lost.signal.aborted ? this.#lost.signal.reason : error;
  }

  async close(): Promise<void> {
    await this.#files.close();
    await this.#running?.abandon();
    await this.#session.close();
  }
}

const slotQuestion = "SELECT slot_name FROM pg_catalog.pg_create_physical_replication_slot($1, true, true)";
