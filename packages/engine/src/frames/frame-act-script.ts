/** The script of the threads of restores and verifications, for `WorkerThreads`. */
export const frameActScript = new URL("./frame-act-worker.ts", import.meta.url);
