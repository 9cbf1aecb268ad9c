import type { YoungPages } from "@tidemark/repository";

/**
 * How a server shows that it went on from where its last backup saw it, and not from an earlier state.
 *
 * A server that is put back to a snapshot from the midst of a backup (or whose standby takes over with less WAL than the
 * backup read) goes on with other WAL behind the same checkpoint, often on the same timeline. What that backup read of the future
 * that never came is not undone by anything: no summary names those pages. But they can be told. A page with an LSN
 * behind the backup's start was changed by WAL behind the start, so on the way from there the server's summaries name it. One
 * that they do not name comes from WAL that this server does not have. (Hint bits alone change no LSN where neither page checksums
 * nor wal_log_hints are on; a page that differs in them only cannot be told.)
 *
 * So each backup notes which of the pages it was sent are young, and the next one looks for them among what is sent to it.
 * Pages it carries are none: of those the same was shown before.
 */

/** Blocks that follow each other, numbered within their file. */
export interface YoungRun {
  readonly firstBlock: number;
  readonly count: number;
}

export function isYoungRun(finding: unknown): finding is YoungRun {
  return typeof finding === "object" && finding !== null && "firstBlock" in finding;
}

/** The runs of pages in these bytes that are younger than `startLsn`; they begin at `fileOffset`, a multiple of the block size. */
export function findYoungRuns(
  bytes: Uint8Array,
  { startLsn, blockSize }: { readonly startLsn: bigint; readonly blockSize: number },
  fileOffset: number,
): YoungRun[] {
  const runs: YoungRun[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = Number(startLsn);
  const limit = start + longestBackupBytes;
  let count = 0;
  const pages = Math.floor(bytes.length / blockSize);
  for (let page = 0; page <= pages; page++) {
    // pd_lsn (bufpage.h, PageXLogRecPtr): the high half first, each in the machine's order; the end of the record that changed it last.
    const lsn = page === pages ? 0 : pageLsn(view, page * blockSize);
    if (lsn > start && lsn < limit) count++;
    else if (count > 0) {
      runs.push({ firstBlock: fileOffset / blockSize + page - count, count });
      count = 0;
    }
  }
  return runs;
}

/** Exact up to 2^53, which is 8 PiB of WAL. */
function pageLsn(view: DataView, at: number): number {
  return view.getUint32(at, true) * 2 ** 32 + view.getUint32(at + 4, true);
}

/** A page from further ahead is rot: no server writes as much WAL (a PiB) while it is backed up. */
const longestBackupBytes = 2 ** 50;

/** Gathers the young pages of a backup, up to a bound. */
export class YoungList {
  readonly #files: { readonly path: string; readonly runs: number[] }[] = [];
  #room = runsListed;
  #isWhole = true;

  /** Takes the runs of one file in the order of its bytes, once for each file. */
  add(path: string, found: readonly YoungRun[]): void {
    const runs: number[] = [];
    let next = -1;
    for (const { firstBlock, count } of found) {
      if (firstBlock === next) runs[runs.length - 1] = (runs.at(-1) ?? 0) + count;
      else if (this.#room > 0) {
        this.#room--;
        runs.push(firstBlock, count);
      } else {
        this.#isWhole = false;
        break;
      }
      next = firstBlock + count;
    }
    if (runs.length > 0) this.#files.push({ path, runs });
  }

  get pages(): YoungPages {
    return { files: this.#files, isWhole: this.#isWhole };
  }
}

/** In the facts of a manifest, which every listing reads: about 40 KB there. A copy of an hour at 100 scattered pages a minute fits. */
const runsListed = 6_000;

/** Which of a backup's young pages the next increments do not name. */
export class YoungLookup {
  readonly #runs: ReadonlyMap<string, readonly number[]>;

  constructor(young: YoungPages | null) {
    this.#runs = new Map(young?.files.map(({ path, runs }) => [path, runs]));
  }

  /** The first young block of this file below `endBlock` that is not among `named` (ascending); null when there is none. */
  firstUnnamed(path: string, named: Uint32Array, endBlock: number): number | null {
    const runs = this.#runs.get(path) ?? [];
    let at = 0;
    for (let run = 0; run < runs.length; run += 2) {
      const first = runs[run] ?? 0;
      const end = Math.min(first + (runs[run + 1] ?? 0), endBlock);
      for (let block = first; block < end; block++) {
        while (at < named.length && (named[at] ?? 0) < block) at++;
        if (named[at] !== block) return block;
      }
    }
    return null;
  }
}
