import { parseRelationPath } from "@tidemark/postgres";
import type { BackupCounts, ManifestFileSummary, SuspectPages } from "@tidemark/repository";
import { suspectsListed } from "./suspect-list.ts";
import { isDueInRound } from "./trust-round.ts";

/** Which of the parent's files are left out of the uploaded manifest, so that the server sends them in full. */
export interface ResendPlan {
  readonly round: number;
  /** For relation files; of what the server sends in full anyway the answer does not matter. */
  includes(path: Uint8Array): boolean;
  /** Why more than the round's share is asked for, as a sentence for the run's log; null when it is not. */
  readonly reason: string | null;
}

/** What the plan needs of the parent's manifest. */
export interface TrustParent {
  readonly plainBytes: bigint;
  readonly counts: Pick<BackupCounts, "runs" | "smallRuns" | "zeroBytes">;
  /** Pages that did not match their checksum when the parent was taken. */
  readonly suspectPages: readonly SuspectPages[];
  files(): AsyncIterable<Pick<ManifestFileSummary, "path" | "sizeBytes" | "runs" | "smallRuns">>;
}

/**
 * The round's share, about 1/28 of the relation bytes, and besides:
 * - files in which the parent has suspect pages. What is carried nobody looks at again, so the new backup would not know of
 *   them; sent again, they are right now or suspect once more;
 * - when the parent has become fragmented beyond the limit, its most fragmented files: what came in full is stored in
 *   whole frames again. Only in that case the list of the parent's files is read.
 *
 * Memory: the paths of at most 4,096 fragmented files and of the parent's suspect ones.
 */
export async function planResends(parent: TrustParent, round: number): Promise<ResendPlan> {
  const scattered = isFragmented(parent) ? (await chooseScattered(parent)).files : [];
  const suspect = new Set(parent.suspectPages.map(({ path }) => path));
  // The list was cut: any file may have more of them.
  const isListCut = parent.suspectPages.reduce((sum, { blocks }) => sum + blocks.length, 0) >= suspectsListed;
  const extra = new Set([...scattered.map(({ path }) => keyOf(path)), ...suspect]);
  const reasons = [
    ...(suspect.size === 0 ? [] : [suspectSentence(suspect.size, isListCut)]),
    ...(scattered.length === 0 ? [] : [sentence(parent, scattered.length)]),
  ];
  return {
    round,
    includes: (path) => isListCut || isDueInRound(path, round) || extra.has(keyOf(path)),
    reason: reasons.length === 0 ? null : reasons.join("; "),
  };
}

/**
 * The limit. A restore places every run by itself and opens a whole frame (16 pages) for any part of it. Where a share of a
 * file's pages was replaced one by one since it was last whole, simulated: 1 % makes 1.3 runs a frame, mean 99 KiB, 17 % of
 * them small; 2 % makes 1.6, 81 KiB, 28 %; 4 % makes 2.2, 59 KiB, 42 %; 10 % makes 3.7, 35 KiB, 61 %. At 4 % a restore opens 4 % more bytes
 * and places twice as many runs, some 10 % more work than with a full's: there the line is drawn. Short runs of small
 * files are no fragments, hence the second condition under the mean.
 */
export function isFragmented({ plainBytes, counts }: Pick<TrustParent, "plainBytes" | "counts">): boolean {
  const { runs, smallRuns, zeroBytes } = counts;
  if (runs === null || smallRuns === null || runs === 0) return false;
  if (smallRuns * 5 > runs * 2) return true;
  return meanRunBytes(plainBytes, zeroBytes, runs) < shortMeanBytes && smallRuns * 8 > runs;
}

interface ScatteredFile {
  readonly path: Uint8Array;
  readonly sizeBytes: number;
  readonly smallRuns: number;
  /** Small runs in a MiB. */
  readonly density: number;
}

/**
 * The most fragmented first, until less than a third of the runs is small, and within an eighth of the bytes: then, under a load that
 * replaces 1 % of the pages between two backups, no file waits longer than eight of them. At least one file, or
 * a cluster that is one large file would never be mended.
 */
async function chooseScattered(parent: TrustParent): Promise<{ readonly files: readonly ScatteredFile[] }> {
  const worst: ScatteredFile[] = [];
  let relationBytes = 0;
  for await (const file of parent.files()) {
    if (parseRelationPath(keyOf(file.path))?.fork !== "main") continue;
    const sizeBytes = Number(file.sizeBytes);
    relationBytes += sizeBytes;
    if (file.smallRuns === 0) continue;
    const density = (file.smallRuns * 1024 * 1024) / sizeBytes;
    worst.push({ path: file.path.slice(), sizeBytes, smallRuns: file.smallRuns, density });
    if (worst.length >= consideredFiles * 2) keepWorst(worst);
  }
  keepWorst(worst);
  const files: ScatteredFile[] = [];
  let bytes = 0;
  let small = parent.counts.smallRuns ?? 0;
  for (const file of worst) {
    if (small * 3 <= (parent.counts.runs ?? 0)) break;
    if (files.length > 0 && bytes + file.sizeBytes > relationBytes / 8) continue;
    files.push(file);
    bytes += file.sizeBytes;
    small -= file.smallRuns;
  }
  return { files };
}

function keepWorst(files: ScatteredFile[]): void {
  files.sort((left, right) => right.density - left.density);
  files.length = Math.min(files.length, consideredFiles);
}

function suspectSentence(files: number, isListCut: boolean): string {
  const had = `${files} ${files === 1 ? "file" : "files"} had pages that did not match their checksum`;
  if (isListCut) return `${had}, and not all of them are known: everything is asked for in full again`;
  return `${had}: ${files === 1 ? "it is" : "they are"} asked for in full again`;
}

function sentence({ plainBytes, counts }: TrustParent, files: number): string {
  const { runs, smallRuns, zeroBytes } = counts;
  const mean = Math.round(meanRunBytes(plainBytes, zeroBytes, runs ?? 1) / 1024);
  const share = Math.round(((smallRuns ?? 0) * 100) / (runs ?? 1));
  return `what is stored has become fragmented (mean run ${mean} KiB, ${share} % of the runs small): ${files} ${files === 1 ? "file is" : "files are"} asked for in full to mend that`;
}

function meanRunBytes(plainBytes: bigint, zeroBytes: bigint | null, runs: number): number {
  return Number(plainBytes - (zeroBytes ?? 0n)) / runs;
}

function keyOf(path: Uint8Array): string {
  return Buffer.from(path).toString("utf8");
}

const shortMeanBytes = 60 * 1024;
const consideredFiles = 4096;
