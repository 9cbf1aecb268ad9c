import { serveFrames } from "@tidemark/repository/serve-frames";
import { inspectPages, type PageInspection, wrongTwice } from "./page-inspection.ts";

/**
 * The worker script of a backup: encodes frames and checks the pages in them while they pass. It imports by the narrow
 * doors: each thread loads its modules anew, and the whole of them takes half a second and 40 MiB.
 */
serveFrames((bytes, inspect, fileOffset, readAgain) => {
  if (inspect === undefined || inspect === null) return [];
  const inspection = inspect as PageInspection;
  const wrong = inspectPages(bytes, inspection, fileOffset);
  if (wrong.length === 0 || readAgain === undefined) return wrong;
  return wrongTwice(bytes, readAgain(), wrong, inspection, fileOffset);
});
