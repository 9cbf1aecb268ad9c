import { serveFrames } from "@tidemark/repository";
import { inspectPages, type PageInspection } from "./page-inspection.ts";

/** The worker script of a backup: encodes frames and checks the pages in them while they pass. */
serveFrames((bytes, inspect, fileOffset) => {
  if (inspect === undefined || inspect === null) return [];
  return inspectPages(bytes, inspect as PageInspection, fileOffset);
});
