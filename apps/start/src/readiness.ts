import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "@tidemark/kit";

/** Asks `/readyz` until everything answers. Throws `api-unreachable` with what was still missing when the time is up. */
export async function awaitReady(origin: string, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + patienceMs;
  let missing = "the api does not answer";
  while (performance.now() < deadline) {
    signal.throwIfAborted();
    const answer = await ask(`${origin}/readyz`, signal);
    if (answer === "ready") return;
    missing = answer;
    await delay(100, undefined, { signal });
  }
  throw new AppError("api-unreachable", {
    message: `not everything is ready after ${patienceMs / 1000} s: ${missing}`,
    hint: "the log files in the home say why; the same start may be tried again",
  });
}

async function ask(url: string, signal: AbortSignal): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]) });
    if (response.ok) return "ready";
    return (await response.text()).slice(0, 500);
  } catch (error) {
    if (signal.aborted) throw error;
    return "the api does not answer";
  }
}

const patienceMs = 120_000;
