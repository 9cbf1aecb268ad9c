import { inspectPages, type PageInspection, wrongTwice } from "./page-inspection.ts";
import { findYoungRuns } from "./young-pages.ts";

/** What is found in a backup's pages while they pass: numbers of suspect blocks, and `YoungRun`s. A `FrameInspector`. */
export function inspectPassing(
  bytes: Uint8Array,
  inspect: unknown,
  fileOffset: number,
  readAgain?: () => Uint8Array,
): readonly unknown[] {
  if (inspect === undefined || inspect === null) return [];
  const inspection = inspect as PageInspection;
  let suspects = inspection.skipsChecksums === true ? [] : inspectPages(bytes, inspection, fileOffset);
  if (suspects.length > 0 && readAgain !== undefined) {
    suspects = wrongTwice(bytes, readAgain(), suspects, inspection, fileOffset);
  }
  const young = inspection.findsYoung === true ? findYoungRuns(bytes, inspection, fileOffset) : [];
  return [...suspects, ...young];
}
