import { AppError, type Clock, formatBytes } from "@tidemark/kit";
import { BackupSession, formatLsn, type SqlSession, type StoppedBackup } from "@tidemark/postgres";
import type { BackupWalRange, BackupWriter } from "@tidemark/repository";
import { type ActControl, ProgressMeter, reachStep, throwIfCancelled } from "../act.ts";
import type { CopyRequest, SourceDetails } from "../backup/backup-source.ts";
import { damaged, type ReceivedBackup, standbySignalNote } from "../backup/receive-backup.ts";
import { standbyPromoted } from "../backup/stream-source.ts";
import { SuspectList } from "../backup/suspect-list.ts";
import { YoungList } from "../backup/young-pages.ts";
import { type ClusterFiles, pathBytes } from "./cluster-files.ts";
import { FileCopier } from "./copy-files.ts";
import { WalCopy } from "./copy-wal.ts";
import { type LocatedTablespace, listTablespaces, tablespacesInMap } from "./file-tablespaces.ts";
import { PageCare } from "./page-care.ts";
import { RateLimit } from "./rate-limit.ts";
import { type ControlFile, readControl } from "./read-control.ts";
import { assertSameCluster } from "./same-cluster.ts";
import { controlFile, type TreeFile, type TreeOptions, walkTree } from "./walk-tree.ts";

export interface FileBackupParts {
  /** Holds the backup, and its slot. */
  readonly session: SqlSession;
  readonly files: ClusterFiles;
  readonly details: SourceDetails;
  /** The local data directory, for messages and to be checked; null over SQL. */
  readonly localPlace: string | null;
  readonly hasSlot: boolean;
  readonly writer: BackupWriter;
  readonly request: CopyRequest;
  readonly control: ActControl;
  readonly clock: Clock;
  readonly onLost: (error: AppError) => void;
}

/**
 * One low-level backup: start, the tree, `pg_control`, stop, label, WAL. Between start and stop it lives and dies with
 * one session; whoever is told of its loss by `onLost` must end the rest.
 */
export class RunningFileBackup {
  readonly #parts: FileBackupParts;
  readonly #progress: ProgressMeter;
  readonly #suspects: SuspectList;
  /** Null before 17, where nothing is built on a backup. */
  readonly #young: YoungList | null;
  readonly #notes: string[] = [];
  #backup: BackupSession | null = null;
  #doneBytes = 0;
  #estimatedBytes = 0;
  #filesBegun = 0;
  #middleReached = false;
  #lookedAtMs = 0;

  constructor(parts: FileBackupParts) {
    this.#parts = parts;
    this.#progress = new ProgressMeter(parts.control, parts.clock, null);
    this.#suspects = new SuspectList(parts.control);
    this.#young = parts.details.major < 17 ? null : new YoungList();
  }

  /** `onStopping` is called when the backup begins to stop. */
  async run(onStopping: () => void): Promise<ReceivedBackup> {
    const { control, files, details } = this.#parts;
    const before = await readControl(files);
    if (before.control.systemIdentifier !== details.systemIdentifier) throw damaged("pg_control is of another cluster");
    const tree = await this.#describeTree(before);
    await this.#estimate(tree);
    const backup = await this.#start();
    // From here on the folders are those of the backup: what is made later is in the WAL.
    const tablespaces = await listTablespaces(this.#parts.session, files);
    await this.#assertSame(backup);
    const copier = this.#copierFrom(backup.started.startLsn);
    const wal = new WalCopy(files, copier, details);
    await copier.copy(walkTree({ ...tree, tablespaces, onNote: (note) => this.#notes.push(note) }), {
      beforeFile: (file) => this.#beforeFile(file, backup, wal),
    });
    await reachStep(control, "backup:before-control");
    await this.#lookAtServer(backup, wal);
    const last = await this.#copyControl();
    await reachStep(control, "backup:before-stop");
    control.emit({ kind: "phase", phase: "stopping", message: "stopping the backup on the server" });
    onStopping();
    const stopped = await backup.stop({ waitForArchive: false, timeoutMs: stopTimeoutMs });
    await this.#checkStopped(stopped, tablespaces);
    await this.#copyRest(wal, backup, stopped);
    // What the threads found in the pages they read is known only when all is encoded.
    await this.#parts.writer.drain();
    this.#progress.finish();
    return this.#describe(backup, stopped, last, tablespaces);
  }

  /** Ends the backup's session if it still runs. Never throws. */
  async abandon(): Promise<void> {
    await this.#backup?.abandon();
  }

  async #describeTree({ control }: ControlFile): Promise<TreeOptions> {
    const { files, details, session } = this.#parts;
    const { major, dataDirectoryMode, blockSize } = details;
    return {
      files,
      major,
      dataDirectoryMode,
      blockSize,
      catalogVersion: control.catalogVersion,
      tablespaces: await listTablespaces(session, files),
      statsFolder: await statsFolderOf(session),
    };
  }

  /** Walks the tree once before the start, as BASE_BACKUP does for PROGRESS. */
  async #estimate(tree: TreeOptions): Promise<void> {
    const { control } = this.#parts;
    for await (const entry of walkTree(tree)) {
      throwIfCancelled(control.signal);
      if (entry.kind === "file") this.#estimatedBytes += entry.sizeBytes;
    }
    this.#progress.totalBytes = BigInt(this.#estimatedBytes);
  }

  async #start(): Promise<BackupSession> {
    const { control, request, session, onLost } = this.#parts;
    await reachStep(control, "backup:before-start");
    const kind = request.checkpoint === "fast" ? "an immediate" : "a spread";
    control.emit({ kind: "phase", phase: "checkpoint", message: `waiting for ${kind} checkpoint` });
    const backup = await BackupSession.start(session, { label: request.label, fast: request.checkpoint === "fast" });
    this.#backup = backup;
    backup.lost.catch(onLost);
    const size = formatBytes(BigInt(this.#estimatedBytes));
    control.emit({
      kind: "phase",
      phase: "copying",
      message: `copying from ${formatLsn(backup.started.startLsn)}, about ${size}`,
    });
    this.#progress.add(0);
    return backup;
  }

  async #assertSame({ started }: BackupSession): Promise<void> {
    const { localPlace, files, session } = this.#parts;
    if (localPlace === null) return;
    await assertSameCluster(localPlace, files, session, (await readControl(files)).control, started.startLsn);
  }

  #copierFrom(startLsn: bigint): FileCopier {
    const { files, writer, control, clock, details, request } = this.#parts;
    return new FileCopier({
      files,
      writer,
      signal: control.signal,
      rate: new RateLimit(request.maxRateKib, clock, control.signal),
      pageCare: new PageCare(files, details, startLsn),
      suspects: this.#suspects,
      young: this.#young,
      onBytes: (bytes) => {
        this.#doneBytes += bytes;
        this.#progress.add(bytes);
      },
    });
  }

  async #beforeFile(file: TreeFile, backup: BackupSession, wal: WalCopy): Promise<void> {
    const { control, clock } = this.#parts;
    if (this.#filesBegun++ === 0) await reachStep(control, "backup:before-first-file");
    if (!this.#middleReached && this.#doneBytes * 2 >= this.#estimatedBytes) {
      this.#middleReached = true;
      await reachStep(control, "backup:before-middle-file");
    }
    if (file.path === "standby.signal") this.#notes.push(standbySignalNote);
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#lookedAtMs < lookIntervalMs) return;
    this.#lookedAtMs = nowMs;
    await this.#lookAtServer(backup, wal);
  }

  /**
   * Throws `standby-promoted` at once, where the stop would only say so in the end. Where nothing holds the WAL for us,
   * what is closed of it is copied before the server removes it.
   */
  async #lookAtServer({ started }: BackupSession, wal: WalCopy): Promise<void> {
    const [row] = await this.#parts.session.query<{ recovering: boolean; offset: string }>(positionQuestion);
    if (started.fromStandby && row?.recovering !== true) throw standbyPromoted(undefined);
    if (!this.#parts.hasSlot) await wal.copyFinished(started.startLsn, BigInt(row?.offset ?? 0));
  }

  /** After everything else: on a standby it says how far recovery must come for the rest to be consistent. */
  async #copyControl(): Promise<ControlFile> {
    const { files, writer, clock, details } = this.#parts;
    const last = await readControl(files);
    const file = await writer.addFile({
      path: pathBytes(controlFile),
      mode: details.dataDirectoryMode & 0o666,
      sizeBytes: BigInt(last.bytes.length),
      modifiedAt: clock.now(),
    });
    await file.write(last.bytes);
    await file.end();
    return last;
  }

  /**
   * Tablespaces that are not in the server's map were made in the instant between its start and our listing. Recovery
   * makes them anew, and could not if their files were there.
   */
  async #checkStopped(stopped: StoppedBackup, tablespaces: readonly LocatedTablespace[]): Promise<void> {
    const inMap = tablespacesInMap(stopped.tablespaceMap);
    const extra = tablespaces.find(({ oid, isInPlace }) => !isInPlace && !inMap.has(oid));
    if (extra !== undefined) throw damaged(`the tablespace ${extra.oid} was made while the backup began`);
    const { localPlace, files } = this.#parts;
    if (localPlace === null || stopped.label.takenFrom !== "standby") return;
    const { control } = await readControl(files);
    if (control.minRecoveryLsn >= stopped.stopLsn) return;
    throw new AppError("cluster-missing", {
      message: `${localPlace} did not follow the standby to ${formatLsn(stopped.stopLsn)}: it is a copy`,
      context: { dataDirectory: localPlace },
    });
  }

  async #copyRest(wal: WalCopy, { started }: BackupSession, stopped: StoppedBackup): Promise<void> {
    const { control, clock, details, writer } = this.#parts;
    await this.#addText("backup_label", Buffer.from(stopped.labelText, "utf8"));
    // BASE_BACKUP sends it empty, too.
    await this.#addText("tablespace_map", stopped.tablespaceMap);
    await reachStep(control, "backup:before-wal");
    const span = { startLsn: started.startLsn, timeline: started.timeline };
    await wal.copyRest({ ...span, stopLsn: stopped.stopLsn, stopTimeline: stopped.timeline });
    for (const { path, mode, modifiedAt } of wal.doneFiles(details.dataDirectoryMode & 0o666, clock.now())) {
      const file = await writer.addFile({ path: pathBytes(path), mode, sizeBytes: 0n, modifiedAt });
      await file.end();
    }
  }

  async #addText(path: string, bytes: Uint8Array): Promise<void> {
    const { writer, clock, details } = this.#parts;
    const mode = details.dataDirectoryMode & 0o666;
    const size = { sizeBytes: BigInt(bytes.length), modifiedAt: clock.now() };
    const file = await writer.addFile({ path: pathBytes(path), mode, ...size });
    await file.write(bytes);
    await file.end();
  }

  #describe(
    { started }: BackupSession,
    stopped: StoppedBackup,
    last: ControlFile,
    tablespaces: readonly LocatedTablespace[],
  ): ReceivedBackup {
    const { label, labelText, tablespaceMap } = stopped;
    if (label.startLsn !== started.startLsn)
      throw damaged("backup_label names another start than the server announced");
    return {
      startLsn: started.startLsn,
      timeline: started.timeline,
      stopLsn: stopped.stopLsn,
      stopTimeline: stopped.timeline,
      tablespaces: tablespaces.map(({ oid, path }) => ({ oid, path })),
      label,
      labelText,
      tablespaceMap: Buffer.from(tablespaceMap).toString("utf8"),
      control: last.control,
      suspectPages: this.#suspects.pages,
      notes: [...this.#notes, ...this.#parts.files.notes, ...this.#suspects.notes],
      // As the server's own manifest would say it; across a change of timeline nobody built one.
      walRanges: started.timeline === stopped.timeline ? [walRangeOf(started, stopped)] : null,
      youngPages: this.#young?.pages ?? null,
    };
  }
}

function walRangeOf({ timeline, startLsn }: BackupSession["started"], { stopLsn }: StoppedBackup): BackupWalRange {
  return { timeline, startLsn, endLsn: stopLsn };
}

/** stats_temp_directory of 13 and 14 when it is below the data directory; a role that may not read it gets null. */
async function statsFolderOf(session: SqlSession): Promise<string | null> {
  try {
    const question = "SELECT pg_catalog.current_setting('stats_temp_directory', true) AS folder";
    const [row] = await session.query<{ folder: string | null }>(question);
    const folder = row?.folder ?? null;
    return folder === null || folder.startsWith("/") ? null : folder.replace(/^\.\/|\/+$/g, "");
  } catch (error) {
    if (error instanceof AppError && error.code === "privilege-missing") return null;
    throw error;
  }
}

/** Bytes of WAL, so that no LSN has to be read: where a primary writes, or what a standby has replayed. */
const positionQuestion = `
  SELECT pg_catalog.pg_is_in_recovery() AS recovering,
         pg_catalog.pg_wal_lsn_diff(
           CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                ELSE pg_catalog.pg_current_wal_lsn() END, '0/0')::text AS offset`;

/** Between two looks at the server. */
const lookIntervalMs = 1_000;
/** Without an archive to wait for, a stop is a WAL switch and a small file. */
const stopTimeoutMs = 300_000;
