import { AppError } from "@tidemark/kit";
import {
  type Lsn,
  type ManifestWalRange,
  parseWalSegmentName,
  segmentHeaderBytes,
  timelineHistoryName,
  walSegmentStart,
} from "@tidemark/postgres";
import { damaged } from "../backup/receive-backup.ts";
import { WalCoverage, type WalIdentity } from "../backup/wal-coverage.ts";
import { splitByHistory } from "../restore/write-backup-manifest.ts";
import type { ClusterFiles, ListedEntry } from "./cluster-files.ts";
import type { FileCopier } from "./copy-files.ts";
import type { TreeFile } from "./walk-tree.ts";

/** From where to where recovery needs WAL. */
export interface WalSpan {
  readonly startLsn: bigint;
  readonly timeline: number;
  readonly stopLsn: bigint;
  readonly stopTimeline: number;
}

/**
 * Copies the WAL of a backup out of `pg_wal`, as BASE_BACKUP does (basebackup.c, perform_base_backup): every segment
 * between start and stop of whatever timeline, and all timeline histories, each with its `.done` file, so that a
 * restored server does not archive them again.
 */
export class WalCopy {
  readonly #files: ClusterFiles;
  readonly #copier: FileCopier;
  readonly #identity: WalIdentity;
  readonly #coverage: WalCoverage;
  readonly #copied = new Set<string>();

  constructor(files: ClusterFiles, copier: FileCopier, identity: WalIdentity) {
    this.#files = files;
    this.#copier = copier;
    this.#identity = identity;
    this.#coverage = new WalCoverage(identity);
  }

  /**
   * Copies the segments that end at or before `upToLsn`, while they are still there. For servers that hold nothing for
   * us. Never in the middle of a file.
   */
  async copyFinished(startLsn: bigint, upToLsn: bigint): Promise<void> {
    const lastWhole = walSegmentStart(upToLsn as Lsn, this.#identity.segmentSizeBytes);
    await this.#copySegments(startLsn, lastWhole);
  }

  /** Copies what is missing up to the stop. Throws `wal-removed` naming the first segment that is gone. */
  async copyRest(span: WalSpan): Promise<void> {
    const listed = await this.#copySegments(span.startLsn, span.stopLsn);
    const histories = listed.filter(({ name }) => /^[0-9A-F]{8}\.history$/.test(name));
    const contents = new Map<string, string>();
    await this.#copier.copy(each(histories.map(walFile)), {
      onFileHead: (file, head) => {
        contents.set(file.path.slice("pg_wal/".length), Buffer.from(head).toString("latin1"));
        this.#copied.add(file.path.slice("pg_wal/".length));
      },
    });
    this.#coverage.assertCovers(rangesOf(span, contents), span.startLsn, span.stopLsn);
  }

  /** The empty files that say what was archived; to be called last. */
  doneFiles(mode: number, modifiedAt: Date): readonly TreeFile[] {
    return [...this.#copied].map((name) => {
      return { kind: "file", path: `pg_wal/archive_status/${name}.done`, mode, sizeBytes: 0, modifiedAt };
    });
  }

  async #copySegments(fromLsn: bigint, toLsn: bigint): Promise<readonly ListedEntry[]> {
    const listed = (await this.#files.list("pg_wal")) ?? [];
    const size = this.#identity.segmentSizeBytes;
    const first = walSegmentStart(fromLsn as Lsn, size);
    const wanted = listed
      .filter(({ name, kind }) => {
        const segment = kind === "file" ? parseWalSegmentName(name, size) : null;
        return segment !== null && segment.startLsn >= first && segment.startLsn < toLsn && !this.#copied.has(name);
      })
      .sort((left, right) => (segmentOrder(left) < segmentOrder(right) ? -1 : 1));
    await this.#copier.copy(each(wanted.map(walFile)), {
      onFileHead: ({ path, sizeBytes }, head) => {
        const name = path.slice("pg_wal/".length);
        this.#coverage.add(name, sizeBytes, head.subarray(0, segmentHeaderBytes));
        this.#copied.add(name);
      },
      onShort: ({ path }) => {
        return new AppError("wal-removed", {
          message: `the server removed the WAL segment ${path.slice("pg_wal/".length)} while it was copied`,
          hint: "the copy was given up; a role with REPLICATION and a free slot, or a larger wal_keep_size, keeps the server from it",
        });
      },
    });
    return listed;
  }
}

/** Position first, then timeline (basebackup.c, compareWalFileNames). */
function segmentOrder({ name }: ListedEntry): string {
  return name.slice(8) + name.slice(0, 8);
}

function walFile({ name, mode, sizeBytes, modifiedAt }: ListedEntry): TreeFile {
  return { kind: "file", path: `pg_wal/${name}`, mode, sizeBytes, modifiedAt };
}

/** One range, or one for each timeline a standby went through meanwhile. */
function rangesOf(span: WalSpan, histories: ReadonlyMap<string, string>): readonly ManifestWalRange[] {
  const whole = { timeline: span.stopTimeline, startLsn: span.startLsn as Lsn, endLsn: span.stopLsn as Lsn };
  if (span.timeline === span.stopTimeline) return [whole];
  const history = histories.get(timelineHistoryName(span.stopTimeline));
  if (history === undefined) throw damaged(`the history of timeline ${span.stopTimeline} is missing`);
  return splitByHistory(history, span.timeline, whole);
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T, void, undefined> {
  yield* items;
}
