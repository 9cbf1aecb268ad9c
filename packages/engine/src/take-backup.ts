import { AppError, type Clock, formatBytes, joinCleanup } from "@tidemark/kit";
import { formatLsn, type ReplicationSession } from "@tidemark/postgres";
import type { BackupFacts, BackupWriter, FrameEncoder, ServerArea, StoredBackup } from "@tidemark/repository";
import { type ActControl, cancellation, reachStep, throwIfCancelled } from "./act.ts";
import { chooseParent } from "./backup-parent.ts";
import { BackupReceiver, type ReceivedBackup, type SourceFacts } from "./receive-backup.ts";

export interface TakeBackupDeps {
  readonly area: ServerArea;
  /** Opens the replication session; the signal must end it at once, wherever it is. */
  readonly connect: (signal: AbortSignal) => Promise<ReplicationSession>;
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
  /** Upper bound of what the server sends, in KiB/s from 32 to 1,048,576; null: none. */
  readonly maxRateKib: number | null;
  /** A person confirmed that the server behind the address is another cluster than before. */
  readonly systemIdentifierChangeConfirmed: boolean;
}

/**
 * Takes one backup over the replication protocol: complete, checked against the server's own manifest, with the WAL
 * it needs. When this returns, the backup exists and is durable; when it throws, nothing is listed.
 *
 * Throws `cancelled`, `system-identifier-changed`, `version-unsupported`, the codes of reaching a server, of taking a
 * backup and of the repository. Cleanup failures join the first error.
 */
export async function takeBackup(
  deps: TakeBackupDeps,
  request: BackupRequest,
  control: ActControl,
): Promise<StoredBackup> {
  const startedAt = deps.clock.now();
  control.emit({ kind: "phase", phase: "connecting", message: `connecting to ${request.serverName}` });
  throwIfCancelled(control.signal);
  const session = await deps.connect(control.signal);
  let writer: BackupWriter | null = null;
  try {
    const source = await readSource(session);
    const parent = await chooseParent(deps.area, source, request.systemIdentifierChangeConfirmed);
    const notes = await reserveWal(session, request.backupId, control);
    writer = await deps.area.beginBackup({
      backupId: request.backupId,
      parentId: parent.parentId,
      avoidPackIds: parent.avoidPackIds,
      startedAt,
      encoder: deps.encoder,
      signal: control.signal,
    });
    const received = await copy(deps, request, session, writer, source, control);
    const facts = composeFacts(request, source, received, { startedAt, stoppedAt: deps.clock.now(), notes });
    control.emit({ kind: "phase", phase: "storing-manifest", message: "storing the manifest" });
    await writer.drain();
    await reachStep(control, "backup:before-commit");
    const stored = await writer.commit(facts);
    writer = null;
    await closeQuietly(session, control);
    await control.onStep?.("backup:after-commit");
    control.emit({ kind: "log", level: "info", message: summary(stored) });
    return stored;
  } catch (error) {
    const first = control.signal.aborted ? cancellation(control.signal) : error;
    const abandoned = writer;
    throw await joinCleanup(first, async () => {
      await session.close();
      await abandoned?.abort();
    });
  }
}

/** The backup exists: a server that does not even take leave in order changes nothing about that. */
async function closeQuietly(session: ReplicationSession, control: ActControl): Promise<void> {
  try {
    await session.close();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    control.emit({ kind: "log", level: "warning", message: `the session did not end in order: ${why}` });
  }
}

async function readSource(session: ReplicationSession): Promise<SourceFacts & SourceDetails> {
  if (session.major < 13 || session.major > 18) {
    throw new AppError("version-unsupported", { message: `PostgreSQL ${session.versionText} is none of 13 to 18` });
  }
  const identity = await session.identifySystem();
  const blockSize = Number(await session.show("block_size"));
  return {
    major: session.major,
    versionNum: Number(await session.show("server_version_num")),
    systemIdentifier: identity.systemIdentifier,
    blockSize,
    blocksPerSegment: parseSize(await session.show("segment_size"), blockSize) / blockSize,
    segmentSizeBytes: parseSize(await session.show("wal_segment_size"), 1),
    checksumsEnabled: (await session.show("data_checksums")) === "on",
    dataDirectoryMode: Number.parseInt(await session.show("data_directory_mode"), 8),
  };
}

interface SourceDetails {
  readonly versionNum: number;
  readonly dataDirectoryMode: number;
}

/** `16MB`, `1GB`, or a bare number in the setting's own unit (guc.c, convert_int_from_base_unit). */
function parseSize(text: string, baseUnitBytes: number): number {
  const match = /^(\d+)(B|kB|MB|GB|TB)?$/.exec(text);
  const unit = match?.[2] === undefined ? baseUnitBytes : sizeUnits[match[2]];
  if (match === null || unit === undefined) {
    throw new AppError("protocol-violation", { message: `the server calls a size "${text}", which we cannot read` });
  }
  return Number(match[1]) * unit;
}

const sizeUnits: Readonly<Record<string, number>> = { B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 };

/**
 * A temporary slot keeps the server from removing the WAL this copy needs; it goes away with the session, however
 * that ends. Without a free one the copy usually succeeds all the same, so it goes on and says so.
 */
async function reserveWal(session: ReplicationSession, backupId: string, control: ActControl): Promise<string[]> {
  await reachStep(control, "backup:before-slot");
  const name = `tidemark_${backupId}`
    .toLowerCase()
    .replace(/[^a-z0-9_]/g, "_")
    .slice(0, 63);
  try {
    await session.createTemporarySlot(name);
    return [];
  } catch (error) {
    if (!(error instanceof AppError && slotRefusals.has(error.code))) throw error;
    const note = `no replication slot held the WAL during the copy (${error.message})`;
    control.emit({ kind: "log", level: "warning", message: note });
    return [note];
  }
}

const slotRefusals: ReadonlySet<string> = new Set([
  "replication-slots-exhausted",
  "privilege-missing",
  "replication-not-permitted",
]);

async function copy(
  deps: TakeBackupDeps,
  request: BackupRequest,
  session: ReplicationSession,
  writer: BackupWriter,
  source: SourceFacts,
  control: ActControl,
): Promise<ReceivedBackup> {
  await reachStep(control, "backup:before-stream");
  const kind = request.checkpoint === "fast" ? "an immediate" : "a spread";
  control.emit({ kind: "phase", phase: "checkpoint", message: `waiting for ${kind} checkpoint` });
  const stream = session.baseBackup({
    label: request.label,
    checkpoint: request.checkpoint,
    maxRateKib: request.maxRateKib ?? undefined,
    includeWal: true,
    progress: true,
  });
  return new BackupReceiver(writer, source, control, deps.clock).receive(stream.events());
}

function composeFacts(
  request: BackupRequest,
  source: SourceFacts & SourceDetails,
  received: ReceivedBackup,
  run: { readonly startedAt: Date; readonly stoppedAt: Date; readonly notes: readonly string[] },
): BackupFacts {
  return {
    serverName: request.serverName,
    systemIdentifier: source.systemIdentifier,
    serverVersion: source.versionNum,
    catalogVersion: received.control.catalogVersion,
    timeline: received.timeline,
    startLsn: received.startLsn,
    stopLsn: received.stopLsn,
    stopTimeline: received.stopTimeline,
    startedAt: run.startedAt,
    stoppedAt: run.stoppedAt,
    label: request.label,
    fromStandby: received.label.takenFrom === "standby",
    blockSize: source.blockSize,
    walSegmentSizeBytes: source.segmentSizeBytes,
    dataDirectoryMode: source.dataDirectoryMode,
    checksumsEnabled: source.checksumsEnabled,
    tablespaces: received.tablespaces,
    backupLabel: received.labelText,
    tablespaceMap: received.tablespaceMap,
    suspectPages: received.suspectPages,
    includedWal: { timeline: received.timeline, startLsn: received.startLsn, endLsn: received.stopLsn },
    notes: [...run.notes, ...received.notes],
  };
}

function summary({ backupId, facts, counts }: StoredBackup): string {
  if (facts === null || counts === null) return `backup ${backupId} is stored`;
  const lsn = (value: bigint) => formatLsn(value as Parameters<typeof formatLsn>[0]);
  return `backup ${backupId} is stored: ${formatBytes(counts.readBytes)} read, ${formatBytes(counts.storedBytes)} stored, ${formatBytes(counts.referencedBytes)} unchanged, WAL ${lsn(facts.startLsn)} to ${lsn(facts.stopLsn)}`;
}
