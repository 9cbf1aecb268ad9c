/** The script of the threads of backups, restores and verifications, for `FramePool` and `WorkerThreads`. */
export const frameActScript = new URL("./frame-act-worker.ts", import.meta.url);
