import type { Lsn } from "@tidemark/postgres";
import { checkPages, firstBlockOfFile, isRelationFile, parseRelationPath } from "@tidemark/postgres/page-checks";

/** What the frame encoder's worker needs to check the pages of one file; structured-cloneable. */
export interface PageInspection {
  /** Number, within its relation, of the file's first block. */
  readonly firstBlock: number;
  readonly startLsn: bigint;
  readonly blockSize: number;
  /** The cluster has no page checksums. */
  readonly skipsChecksums?: boolean;
  /** Whether pages behind the start are to be reported as `YoungRun`s. */
  readonly findsYoung?: boolean;
}

/** How a cluster lays its pages out. */
export interface PageLayout {
  readonly blockSize: number;
  readonly blocksPerSegment: number;
}

/** How the pages of a file are checked, or null for a file that has none (or a cluster without checksums). */
export function pageInspectionOf(path: Uint8Array, layout: PageLayout, startLsn: bigint): PageInspection | null {
  const text = Buffer.from(path).toString("utf8");
  if (!isRelationFile(text)) return null;
  return { firstBlock: firstBlockOfFile(text, layout.blocksPerSegment), startLsn, blockSize: layout.blockSize };
}

/** What is looked for in the pages of a file while they pass; null: nothing. */
export function passingInspectionOf(
  path: Uint8Array,
  layout: PageLayout & { readonly checksumsEnabled: boolean },
  startLsn: bigint,
  wanted: { readonly findsYoung: boolean },
): PageInspection | null {
  const skipsChecksums = !layout.checksumsEnabled;
  const inspection = pageInspectionOf(path, layout, startLsn);
  // Free space and visibility maps come in full each time.
  const fork = parseRelationPath(Buffer.from(path).toString("latin1"))?.fork;
  const findsYoung = wanted.findsYoung && (fork === "main" || fork === "init");
  if (inspection === null || (skipsChecksums && !findsYoung)) return null;
  return { ...inspection, skipsChecksums, findsYoung };
}

/** Numbers, within the relation, of pages whose checksum is wrong; `fileOffset` is where in the file the bytes begin. */
export function inspectPages(bytes: Uint8Array, inspection: PageInspection, fileOffset: number): number[] {
  const { blockSize } = inspection;
  if (fileOffset % blockSize !== 0) throw new RangeError(`a run of pages begins at ${fileOffset}, inside a page`);
  return checkPages(bytes, {
    firstBlock: inspection.firstBlock + fileOffset / blockSize,
    startLsn: inspection.startLsn as Lsn,
    blockSize,
  });
}

/**
 * Which of the pages found wrong in a running cluster's file are wrong still when they are read once more: a page that
 * the server was just writing is whole then, or differs, and recovery writes it anew either way. `bytes` gets the second
 * reading of those; only a page that comes with the same wrong bytes twice is suspect.
 */
export function wrongTwice(
  bytes: Uint8Array,
  again: Uint8Array,
  wrong: readonly number[],
  inspection: PageInspection,
  fileOffset: number,
): number[] {
  const { blockSize } = inspection;
  const firstBlock = inspection.firstBlock + fileOffset / blockSize;
  return wrong.filter((block) => {
    const at = (block - firstBlock) * blockSize;
    const second = again.subarray(at, at + blockSize);
    // Gone or cut off meanwhile: so says the WAL, too.
    if (second.length < blockSize) return false;
    const first = bytes.subarray(at, at + blockSize);
    const isSame = Buffer.from(first.buffer, first.byteOffset, first.length).equals(second);
    if (!isSame) first.set(second);
    return isSame;
  });
}
