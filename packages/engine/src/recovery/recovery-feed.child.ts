import { FolderArchive } from "./feed-archive.fixture.ts";
import { startRecoveryFeed } from "./recovery-feed.ts";

/** Feeds from a folder in a process of its own, to be killed: prints the restore_command. Arguments: folder, spool. */
const [, , folder = "", spool = ""] = process.argv;
const archive = new FolderArchive(folder);
const feed = await startRecoveryFeed({
  archive,
  spool,
  segmentSizeBytes: 1 << 20,
  prefetch: 2,
  partial: false,
  retryMs: 0,
});
console.log(feed.restoreCommand);
