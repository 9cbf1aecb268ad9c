import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "@tidemark/kit";

export interface WaitForOptions {
  /** What is waited for, as a noun: it stands in the error when the time is up. */
  readonly what: string;
  /** Default 30 s. */
  readonly timeoutMs?: number;
  /** Between two questions; default 25 ms. */
  readonly everyMs?: number;
}

/**
 * Asks until `condition` gives something (neither undefined, null nor false) and returns that. An error it throws ends
 * the wait only when the time is up, as the cause.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitForOptions,
): Promise<Exclude<T, undefined | null | false>> {
  const timeoutMs = options.timeoutMs ?? 30_000;
  const startedMs = systemClock.monotonicMs();
  for (;;) {
    const answer = await attempt(condition);
    if ("value" in answer && isThere(answer.value)) return answer.value;
    if (systemClock.monotonicMs() - startedMs > timeoutMs) {
      throw new Error(
        `waited ${timeoutMs} ms in vain for ${options.what}`,
        "error" in answer ? { cause: answer.error } : {},
      );
    }
    await delay(options.everyMs ?? 25);
  }
}

async function attempt<T>(condition: () => T | Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await condition() };
  } catch (error) {
    return { error };
  }
}

function isThere<T>(value: T): value is Exclude<T, undefined | null | false> {
  return value !== undefined && value !== null && value !== false;
}
