import { fileURLToPath } from "node:url";

/** The cookies of the newcomer's login, which the other stories go on with. */
export const browserState = fileURLToPath(new URL("../test-results/login/state.json", import.meta.url));

/** The password the newcomer chose instead of the one-time one. */
export const ownPassword = "correct horse battery staple";

/** What every story may know of the running product: what the start printed. */
export interface Shared {
  readonly origin: string;
  readonly home: string;
  readonly output: string;
  readonly oneTimePassword: string;
  readonly readyAt: number;
}

const variable = "STORIES_PRODUCT";

/** Hands it from the global set-up to the workers, which inherit the environment. */
export function share(shared: Shared): void {
  process.env[variable] = JSON.stringify(shared);
}

export function shared(): Shared {
  const text = process.env[variable];
  if (text === undefined) throw new Error("the global set-up did not start the product");
  return JSON.parse(text) as Shared;
}
