import "server-only";

/** Where the pages' server side finds the api. In the browser the api is the page's own origin. */
export const apiUrl = process.env.API_URL ?? "http://127.0.0.1:7400";

/** A page that waits longer than this says that the api does not answer. */
export const apiTimeoutMs = 15_000;
