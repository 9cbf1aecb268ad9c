/** What a thread needs to read segments of WAL, without the sessions behind the other door. */
export type { Lsn } from "../files/lsn.ts";
export { parsePgControl } from "../files/pg-control.ts";
export { parseWalSegmentName, walSegmentName, walSegmentStart } from "../files/wal-segment.ts";
export { supportedMajors } from "../session/capabilities.ts";
export { walPageBytes } from "./page-header.ts";
export { beginOfRecordReachingOver } from "./record-reaching-over.ts";
export { segmentHeaderBytes, validateSegmentHeader } from "./segment-header.ts";
export { WalScanner } from "./wal-scanner.ts";
export { walVersionOf } from "./wal-versions.ts";
