import { type FrameEncoder, FramePool } from "@tidemark/repository";
import { releaseIdleThreads } from "../frames/idle-threads.ts";

/**
 * The encoder `takeBackup` needs: worker threads that compress, seal and check pages. Close it when no backup uses it; its threads
 * wait some minutes for the next one.
 */
export function createBackupEncoder(options: { readonly threads: number }): FrameEncoder {
  // Theirs would come on top of its own: what a process may take is bounded.
  void releaseIdleThreads();
  const workerScript = new URL("./encode-worker.ts", import.meta.url);
  return new FramePool({ threads: options.threads, workerScript, keepsThreads: true });
}
