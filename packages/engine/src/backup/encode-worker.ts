import { serveFrames } from "@tidemark/repository/serve-frames";
import { inspectPages, type PageInspection, wrongTwice } from "./page-inspection.ts";
import { findYoungRuns } from "./young-pages.ts";

/**
 * The worker script of a backup: encodes frames and checks the pages in them while they pass. It imports by the narrow
 * doors: each thread loads its modules anew, and the whole of them takes half a second and 40 MiB.
 */
serveFrames((bytes, inspect, fileOffset, readAgain) => {
  if (inspect === undefined || inspect === null) return [];
  const inspection = inspect as PageInspection;
  let suspects = inspection.skipsChecksums === true ? [] : inspectPages(bytes, inspection, fileOffset);
  if (suspects.length > 0 && readAgain !== undefined) {
    suspects = wrongTwice(bytes, readAgain(), suspects, inspection, fileOffset);
  }
  const young = inspection.findsYoung === true ? findYoungRuns(bytes, inspection, fileOffset) : [];
  return [...suspects, ...young];
});
