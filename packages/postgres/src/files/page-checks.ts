/** What a worker thread needs to look at pages, without the sessions behind the other door. */
export { checkPages } from "./page-checksum.ts";
export { firstBlockOfFile, isRelationFile, parseRelationPath } from "./relation-file.ts";
