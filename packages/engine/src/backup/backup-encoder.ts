import { type FrameEncoder, FramePool } from "@tidemark/repository";
import { frameActScript } from "../frames/frame-act-script.ts";

/**
 * The encoder `takeBackup` needs: worker threads that compress, seal and check pages. Close it when no backup uses it; its threads
 * wait some minutes for the next act.
 */
export function createBackupEncoder(options: { readonly threads: number }): FrameEncoder {
  return new FramePool({ threads: options.threads, workerScript: frameActScript, keepsThreads: true });
}
