import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "@tidemark/kit";

/** Waits; a fired signal ends the wait with `cancelled`. A dependency, so that tests need not wait. */
export type Pause = (durationMs: number, signal: AbortSignal | undefined) => Promise<void>;

export const realPause: Pause = async (durationMs, signal) => {
  try {
    await delay(durationMs, undefined, signal === undefined ? {} : { signal });
  } catch (cause) {
    throw new AppError("cancelled", { message: "the storage operation was cancelled", cause });
  }
};
