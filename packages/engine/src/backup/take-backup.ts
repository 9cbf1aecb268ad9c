import { AppError, type Clock, formatBytes, joinCleanup } from "@tidemark/kit";
import { formatLsn } from "@tidemark/postgres";
import type {
  BackupConfiguration,
  BackupEnvironment,
  BackupFacts,
  BackupWriter,
  FrameEncoder,
  ServerArea,
  StoredBackup,
} from "@tidemark/repository";
import { type ActControl, cancellation, reachStep, throwIfCancelled } from "../act.ts";
import { openFileSource } from "../file-backup/file-source.ts";
import { type BackupParent, chooseParent } from "./backup-parent.ts";
import type { BackupSource, CopiedBackup, CopyRequest, FullReason, OpenedSource } from "./backup-source.ts";
import { reasonForFull } from "./incremental-refusal.ts";
import { findStoredFrames, reportSalvage } from "./stored-frames.ts";
import { openStreamSource } from "./stream-source.ts";

export interface TakeBackupDeps {
  readonly area: ServerArea;
  /** Where the bytes come from, and how. */
  readonly source: BackupSource;
  /** See `createBackupEncoder`; its owner closes it. */
  readonly encoder: FrameEncoder;
  readonly clock: Clock;
}

export interface BackupRequest {
  readonly backupId: string;
  readonly serverName: string;
  /** Written into backup_label. */
  readonly label: string;
  readonly checkpoint: "fast" | "spread";
  /** Upper bound of what is read from the server, in KiB/s from 32 to 1,048,576; null: none. */
  readonly maxRateKib: number | null;
  /** A person confirmed that the server behind the address is another cluster than before. */
  readonly systemIdentifierChangeConfirmed: boolean;
  /**
   * `auto` (the default): only what changed since the last backup, where the server (17+) and that backup allow it. `full`:
   * everything. Either way the backup is a full one.
   */
  readonly reading?: "auto" | "full" | undefined;
  /** How long a standby is given for the restartpoint that an incremental copy needs; 60,000 unless given. */
  readonly restartpointWaitMs?: number | undefined;
  /** Earlier backups of this server that are known to have ended without a manifest: what they stored is used again. */
  readonly endedBackupIds?: readonly string[];
  /** The server's configuration files as they could be read, kept with the backup; null or left out: not known. */
  readonly configuration?: BackupConfiguration | null | undefined;
  /** Collations and libraries of the server, kept with the backup; null or left out: not known. */
  readonly environment?: BackupEnvironment | null | undefined;
}

/**
 * Takes one backup: complete, checked, with the WAL it needs; over the replication protocol (and then compared with the
 * server's own manifest), or with the low-level API file by file. When this returns, the backup exists and is durable;
 * when it throws, nothing is listed.
 *
 * An incremental copy that the server refuses, or that cannot be used, becomes a copy of everything in a new session; why
 * is in the run's log and in `facts.reading.reason`.
 *
 * Throws `cancelled`, `system-identifier-changed`, `version-unsupported`, `standby-promoted`, `cluster-missing` for a
 * local data directory that is not the server's, the codes of reaching a server, of taking a backup and of the
 * repository. Cleanup failures join the first error.
 */
export async function takeBackup(
  deps: TakeBackupDeps,
  request: BackupRequest,
  control: ActControl,
): Promise<StoredBackup> {
  const startedAt = deps.clock.now();
  const fullBecause = request.reading === "full" ? { why: "it was asked for", isNews: false } : null;
  const first = { request, startedAt, fullBecause, isSecond: false, avoidPackIds: new Set<string>() };
  try {
    return await attemptBackup(deps, first, control);
  } catch (error) {
    if (!(error instanceof IncrementFailed)) throw error;
    const { why, damagedPackId } = error;
    control.emit({ kind: "log", level: "warning", message: `what changed cannot be had alone: ${why}` });
    const avoidPackIds = new Set(damagedPackId === null ? [] : [damagedPackId]);
    const second = { ...first, fullBecause: { why, isNews: true }, isSecond: true, avoidPackIds };
    return await attemptBackup(deps, second, control);
  }
}

interface Attempt {
  readonly request: BackupRequest;
  readonly startedAt: Date;
  readonly fullBecause: FullReason | null;
  /** After an increment that failed. */
  readonly isSecond: boolean;
  /** Packs found damaged meanwhile. */
  readonly avoidPackIds: ReadonlySet<string>;
}

/** An incremental copy failed in a way that a copy of everything need not; nothing is left of it. */
class IncrementFailed extends Error {
  readonly why: string;
  readonly damagedPackId: string | null;

  constructor(why: string, cause: unknown) {
    super(why, { cause });
    this.why = why;
    const packId = cause instanceof AppError && cause.code.startsWith("pack-") ? cause.context.packId : null;
    this.damagedPackId = typeof packId === "string" ? packId : null;
  }
}

async function attemptBackup(deps: TakeBackupDeps, attempt: Attempt, control: ActControl): Promise<StoredBackup> {
  const { request, startedAt } = attempt;
  control.emit({ kind: "phase", phase: "connecting", message: `connecting to ${request.serverName}` });
  throwIfCancelled(control.signal);
  // They load while the server is asked. Of an increment one thread takes what comes, until it proves large.
  deps.encoder.start?.(attempt.fullBecause === null && deps.source.kind === "stream" ? 1 : Number.POSITIVE_INFINITY);
  const source = await openSource(deps, control.signal);
  let writer: BackupWriter | null = null;
  let isCommitting = false;
  try {
    const { details } = source;
    const parent = await chooseParent(deps.area, details, request.systemIdentifierChangeConfirmed);
    if (parent.parentId === null || details.major < 17) deps.encoder.start?.(Number.POSITIVE_INFINITY);
    // The server drops the first session's slot when it has noticed its end: the second has one of its own.
    const slotOf = attempt.isSecond ? `${request.backupId}_full` : request.backupId;
    const notes = await source.reserveWal(slotOf, control);
    const storedFrames = await findStoredFrames(deps.area, request.endedBackupIds ?? [], control);
    writer = await deps.area.beginBackup({
      ...storedFrames,
      backupId: request.backupId,
      parentId: parent.parentId,
      avoidPackIds: new Set([...parent.avoidPackIds, ...attempt.avoidPackIds]),
      startedAt,
      encoder: deps.encoder,
      signal: AbortSignal.any([control.signal, source.lost]),
    });
    const received = await source.copy(writer, copyRequest(deps, attempt, parent), control);
    const facts = composeFacts(request, source, received, { startedAt, stoppedAt: deps.clock.now(), notes });
    control.emit({ kind: "phase", phase: "storing-manifest", message: "storing the manifest" });
    await writer.drain();
    await reachStep(control, "backup:before-commit");
    isCommitting = true;
    const stored = await writer.commit(facts);
    reportSalvage(writer, storedFrames.salvageFrom ?? [], control);
    writer = null;
    await closeQuietly(source, control);
    await control.onStep?.("backup:after-commit");
    control.emit({ kind: "log", level: "info", message: summary(stored) });
    return stored;
  } catch (error) {
    const first = control.signal.aborted ? cancellation(control.signal) : await source.explain(error);
    const abandoned = writer;
    // Once the manifest was begun, giving up may claim its key (see `BackupWriter.abort`): the id cannot be used again.
    const mayGoOn = source.isIncremental && !attempt.isSecond && !isCommitting && !control.signal.aborted;
    const why = mayGoOn ? reasonForFull(first) : null;
    const failure = await joinCleanup(first, async () => {
      await source.close();
      await abandoned?.abort();
    });
    // What could not be cleaned up would be in the way of a second attempt, too.
    throw why !== null && failure === first ? new IncrementFailed(why, first) : failure;
  }
}

function copyRequest(deps: TakeBackupDeps, { request, fullBecause }: Attempt, parent: BackupParent): CopyRequest {
  const { backupId, label, checkpoint, maxRateKib } = request;
  const restartpointWaitMs = request.restartpointWaitMs ?? defaultRestartpointWaitMs;
  return { backupId, label, checkpoint, maxRateKib, area: deps.area, parent, fullBecause, restartpointWaitMs };
}

/** A checkpoint of a primary that is told to hurry, its way to the standby, and the restartpoint there. */
const defaultRestartpointWaitMs = 60_000;

function openSource({ source, clock }: TakeBackupDeps, signal: AbortSignal): Promise<OpenedSource> {
  return source.kind === "stream" ? openStreamSource(source, clock, signal) : openFileSource(source, clock, signal);
}

/** The backup exists: a server that does not even take leave in order changes nothing about that. */
async function closeQuietly(source: OpenedSource, control: ActControl): Promise<void> {
  try {
    await source.close();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    control.emit({ kind: "log", level: "warning", message: `the session did not end in order: ${why}` });
  }
}

function composeFacts(
  request: BackupRequest,
  { details, method }: OpenedSource,
  received: CopiedBackup,
  run: { readonly startedAt: Date; readonly stoppedAt: Date; readonly notes: readonly string[] },
): BackupFacts {
  return {
    serverName: request.serverName,
    systemIdentifier: details.systemIdentifier,
    serverVersion: details.versionNum,
    catalogVersion: received.control.catalogVersion,
    timeline: received.timeline,
    startLsn: received.startLsn,
    stopLsn: received.stopLsn,
    stopTimeline: received.stopTimeline,
    startedAt: run.startedAt,
    stoppedAt: run.stoppedAt,
    label: request.label,
    fromStandby: received.label.takenFrom === "standby",
    blockSize: details.blockSize,
    walSegmentSizeBytes: details.segmentSizeBytes,
    dataDirectoryMode: details.dataDirectoryMode,
    checksumsEnabled: details.checksumsEnabled,
    tablespaces: received.tablespaces,
    backupLabel: received.labelText,
    tablespaceMap: received.tablespaceMap,
    suspectPages: received.suspectPages,
    includedWal: { timeline: received.timeline, startLsn: received.startLsn, endLsn: received.stopLsn },
    notes: [...run.notes, ...received.notes],
    method,
    configuration: boundedConfiguration(request.configuration ?? null),
    environment: request.environment ?? null,
    reading: received.reading,
    walRanges: received.walRanges,
    trustRound: received.trustRound,
    trustFindings: received.trustFindings,
    youngPages: received.youngPages,
  };
}

/** The facts are one piece of JSON in the manifest's header, which is sealed at once: files beyond a bound stay out. */
function boundedConfiguration(configuration: BackupConfiguration | null): BackupConfiguration | null {
  if (configuration === null) return null;
  let room = configurationCharacters;
  const files = configuration.files.map((file) => {
    room -= file.content?.length ?? 0;
    if (room >= 0 || file.content === null) return file;
    return { ...file, content: null, encoding: null, whyNot: "the configuration is too long to be kept whole" };
  });
  return { ...configuration, files };
}

/** Debian's postgresql.conf, pg_hba.conf and pg_ident.conf together are 40 KB. */
const configurationCharacters = 1024 * 1024;

function summary({ backupId, facts, counts }: StoredBackup): string {
  if (facts === null || counts === null) return `backup ${backupId} is stored`;
  const lsn = (value: bigint) => formatLsn(value as Parameters<typeof formatLsn>[0]);
  const carried =
    counts.carriedBytes === null || counts.carriedBytes === 0n
      ? ""
      : `, ${formatBytes(counts.carriedBytes)} taken over unread`;
  return `backup ${backupId} is stored: ${formatBytes(counts.readBytes)} read, ${formatBytes(counts.storedBytes)} stored, ${formatBytes(counts.referencedBytes)} unchanged${carried}, WAL ${lsn(facts.startLsn)} to ${lsn(facts.stopLsn)}`;
}
