import manifest from "../package.json" with { type: "json" };

/** The version of this worker, for the list of workers. */
export const workerVersion: string = manifest.version;
