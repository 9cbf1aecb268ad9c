import { AppError, type Clock } from "@tidemark/kit";
import type { WindowBackup } from "@tidemark/policy";
import { type Lsn, walSegmentName } from "@tidemark/postgres";
import type { ServerArea } from "@tidemark/repository";
import type { ActControl } from "../../act.ts";
import { listCatalog } from "../../catalog.ts";
import { type ArchivedCluster, readArchivedClusters, recoveryInputOf } from "../../point-in-time/archived-cluster.ts";
import { readFactsFor } from "../../point-in-time/segment-facts.ts";
import { findBackupFiles, readBackupFile } from "../../restore/backup-files.ts";
import { readBackupRelationNames } from "./backup-relation-names.ts";
import { commitOrderSlackMs, type FoundMoments, findMoment, type Moment } from "./find-moment.ts";
import type { MomentFilter } from "./moment-changes.ts";
import { type MomentLeg, type MomentLegs, momentLegs, sayTime } from "./moment-legs.ts";
import { archivedSegments, type WalSpan, type WalStretchSegment } from "./wal-stretch.ts";

export interface MomentQuestion extends MomentFilter {
  /** Only what was committed between these, by the server's clock. */
  readonly from: Date;
  readonly to: Date;
  /** Null: the newest that has WAL of that time. */
  readonly timeline: number | null;
  readonly mostMoments: number;
}

export interface ArchivedMoment extends Moment {
  /** Whether the instant just before it lies behind a backup's end. */
  readonly restorable: boolean;
}

export interface MomentSearchReport {
  /** In the order of their commits. */
  readonly moments: readonly ArchivedMoment[];
  /** Those whose names were followed, oldest first. */
  readonly backupIds: readonly string[];
  /** They were in a cluster before this one: its transaction numbers do not name targets, its times do. */
  readonly isEarlierCluster: boolean;
  readonly readBytes: bigint;
  readonly transactions: number;
  /** The last commit that was read; null: there was none. */
  readonly readUntil: Date | null;
  /** Why there may be more than was found, as sentences; empty when the search was whole. */
  readonly limits: readonly string[];
}

/**
 * Searches what a repository holds of a server for transactions that took rows or relations away. Nothing is asked of the server,
 * no database is needed, and nothing is written.
 *
 * Reads from the start of the newest backup that ends before `from`, so the time it takes goes with the WAL since then.
 * Throws `bad-request` when the times are turned round, `not-found` for a database or relation that was never there,
 * `target-unreachable` when there is no WAL of that time, `cancelled`, and what kept it from reading the repository.
 */
export async function findArchivedMoments(
  deps: { readonly area: ServerArea; readonly clock: Clock },
  question: MomentQuestion,
  control: ActControl,
): Promise<MomentSearchReport> {
  const { from, to } = question;
  if (from > to) throw new AppError("bad-request", { message: "the search would end before it begins" });
  const { area } = deps;
  const { signal } = control;
  control.emit({ kind: "phase", phase: "planning", message: "looking which backup and which WAL tell of that time" });
  const catalog = await listCatalog(area);
  const backups = catalog.filter(({ damaged }) => damaged === null).map(({ backup }) => backup);
  const clusters = await readArchivedClusters(area, backups, signal);
  for (const cluster of clusters) {
    await readFactsFor(cluster, { kind: "time", at: from, inclusive: true }, signal);
    const behind = new Date(to.getTime() + commitOrderSlackMs);
    await readFactsFor(cluster, { kind: "time", at: behind, inclusive: true }, signal);
  }
  const planned = momentLegs(clusters, recoveryInputOf(clusters), question);
  const search = new LegSearch(deps, question, planned, control);
  for (const leg of planned.legs) await search.searchLeg(leg);
  return search.report();
}

class LegSearch {
  readonly #area: ServerArea;
  readonly #clock: Clock;
  readonly #question: MomentQuestion;
  readonly #planned: MomentLegs;
  readonly #control: ActControl;
  readonly #totalBytes: bigint;
  readonly #found: { readonly moments: FoundMoments; readonly backup: WindowBackup }[] = [];
  readonly #notFound: AppError[] = [];
  #doneBytes = 0n;
  #saidAtMs: number;

  constructor(
    deps: { readonly area: ServerArea; readonly clock: Clock },
    question: MomentQuestion,
    planned: MomentLegs,
    control: ActControl,
  ) {
    this.#area = deps.area;
    this.#clock = deps.clock;
    this.#question = question;
    this.#planned = planned;
    this.#control = control;
    this.#totalBytes = planned.legs.reduce((sum, leg) => sum + bytesOf(leg), 0n);
    this.#saidAtMs = deps.clock.monotonicMs();
  }

  async searchLeg(leg: MomentLeg): Promise<void> {
    const question = this.#question;
    const { cluster } = this.#planned;
    const { segmentSizeBytes } = cluster;
    const mostMoments = question.mostMoments - this.#count();
    if (mostMoments <= 0) return;
    const { emit, signal } = this.#control;
    const { backupId, stoppedAt } = leg.backup;
    const message = `reading the WAL from the backup of ${sayTime(stoppedAt)} on (${backupId})`;
    emit({ kind: "phase", phase: "searching", message });
    emit({ kind: "progress", doneBytes: this.#doneBytes, totalBytes: this.#totalBytes });
    try {
      const names = await readBackupRelationNames(this.#area, { backupId, database: question.database }, signal);
      const wal = segmentsOf(this.#area, cluster, leg, signal);
      const request = { ...question, segmentSizeBytes, mostMoments };
      const before = this.#doneBytes;
      const onProgress = (progress: { readonly doneBytes: bigint; readonly at: Date | null }) =>
        this.#say(before + progress.doneBytes, progress.at);
      const moments = await findMoment({ names, wal }, request, { signal, onProgress });
      this.#found.push({ moments, backup: leg.backup });
    } catch (error) {
      // Behind a gap it may be there, or not any more.
      if (!(error instanceof AppError) || error.code !== "not-found") throw error;
      this.#notFound.push(error);
    }
    this.#doneBytes += bytesOf(leg);
  }

  report(): MomentSearchReport {
    const [first] = this.#notFound;
    if (first !== undefined && this.#found.length === 0) throw first;
    const question = this.#question;
    const { limits: known, timeline, isEarlierCluster } = this.#planned;
    const results = this.#found.map(({ moments }) => moments);
    const readUntil = results.map((one) => one.readUntil).findLast((at) => at !== null) ?? null;
    const limits = [...known, ...results.flatMap((one) => one.limits), ...this.#notFound.map(({ message }) => message)];
    const isFull = this.#count() >= question.mostMoments;
    if (!isFull && (readUntil === null || readUntil < question.to)) limits.push(endSentence(readUntil));
    const moments = this.#found.flatMap(({ moments: { moments: some }, backup }) =>
      some.map((moment) => ({ ...moment, timeline, restorable: moment.commitLsn > backup.stopLsn })),
    );
    return {
      ...{ moments, readUntil, isEarlierCluster, limits: [...new Set(limits)] },
      backupIds: this.#found.map(({ backup }) => backup.backupId),
      readBytes: results.reduce((sum, one) => sum + one.readBytes, 0n),
      transactions: results.reduce((sum, one) => sum + one.transactions, 0),
    };
  }

  #count(): number {
    return this.#found.reduce((sum, { moments }) => sum + moments.moments.length, 0);
  }

  #say(doneBytes: bigint, at: Date | null): void {
    const { emit } = this.#control;
    const totalBytes = doneBytes > this.#totalBytes ? doneBytes : this.#totalBytes;
    emit({ kind: "progress", doneBytes, totalBytes });
    const nowMs = this.#clock.monotonicMs();
    if (at === null || nowMs - this.#saidAtMs < sayEveryMs) return;
    this.#saidAtMs = nowMs;
    emit({ kind: "log", level: "info", message: `the search has come to ${sayTime(at)}` });
  }
}

function endSentence(readUntil: Date | null): string {
  return readUntil === null
    ? "there is no commit in the WAL that was read"
    : `the last commit in the WAL that is here is of ${sayTime(readUntil)}: what came later cannot be found`;
}

function bytesOf({ inBackup, archived }: MomentLeg): bigint {
  return [...inBackup, ...archived].reduce((sum, { fromLsn, toLsn }) => sum + (toLsn - fromLsn), 0n);
}

async function* segmentsOf(
  area: ServerArea,
  { archive, segmentSizeBytes }: ArchivedCluster,
  { backup, inBackup, archived }: MomentLeg,
  signal: AbortSignal,
): AsyncGenerator<WalStretchSegment> {
  const segments = (spans: readonly WalSpan[]) => archivedSegments(archive, spans, segmentSizeBytes, signal);
  for await (const segment of segments(inBackup)) {
    const name = walSegmentName(segment.timeline, segment.startLsn as Lsn, segmentSizeBytes);
    yield { ...segment, read: () => readOrTakeFromBackup(area, backup.backupId, name, segment, signal) };
  }
  yield* segments(archived);
}

/** The archive's copy first: of a backup's last segment it has what came after the backup, too. */
async function* readOrTakeFromBackup(
  area: ServerArea,
  backupId: string,
  name: string,
  segment: WalStretchSegment,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    yield* segment.read();
    return;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "wal-missing") throw error;
    const path = `pg_wal/${name}`;
    const files = await findBackupFiles(await area.openManifest(backupId), (one) => one === path, signal);
    const file = files.get(path);
    if (file === undefined) throw error;
    yield await readBackupFile(area.frames(), file, signal);
  }
}

/** How often the log says how far a long search has come. */
const sayEveryMs = 10_000;
