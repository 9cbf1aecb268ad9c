import { serveFrames } from "@tidemark/repository/serve-frames";
import { inspectPages, type PageInspection } from "./page-inspection.ts";

/**
 * The worker script of a backup: encodes frames and checks the pages in them while they pass. It imports by the narrow
 * doors: each thread loads its modules anew, and the whole of them takes half a second and 40 MiB.
 */
serveFrames((bytes, inspect, fileOffset) => {
  if (inspect === undefined || inspect === null) return [];
  return inspectPages(bytes, inspect as PageInspection, fileOffset);
});
