import { type FrameEncoder, FramePool } from "@tidemark/repository";

/** The encoder `takeBackup` needs: worker threads that compress, seal and check pages. Close it when no backup uses it. */
export function createBackupEncoder(options: { readonly threads: number }): FrameEncoder {
  return new FramePool({ threads: options.threads, workerScript: new URL("./encode-worker.ts", import.meta.url) });
}
