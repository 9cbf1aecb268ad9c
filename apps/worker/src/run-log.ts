import type { ActEvent } from "@tidemark/engine";
import type { Clock, Logger } from "@tidemark/kit";
import type { Metadata, NewRunEvent, RunProgress } from "@tidemark/metadata";
import { estimateRemaining, type PastRun } from "@tidemark/policy";

/** Carries what an act says into the run's row and log: phases and messages in order, progress at most once a second. */
export interface RunLog {
  readonly emit: (event: ActEvent) => void;
  /** The phase the act is in, and what it counted last. */
  readonly current: { readonly phase: string | null; readonly done: bigint | null; readonly total: bigint | null };
  /** Writes what is still to be written and stops the timer. */
  close(): Promise<void>;
}

interface RunLogDeps {
  readonly runs: Pick<Metadata["runs"], "appendEvents" | "progress">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly workerId: string;
}

/**
 * Writes happen one after another and never hold up the act; a failed write is logged and what it carried is tried
 * again with the next one. `history` are past runs of the kind, for the estimate of the remaining time.
 */
export function createRunLog(deps: RunLogDeps, runId: string, history: readonly PastRun[]): RunLog {
  const startedMs = deps.clock.monotonicMs();
  let pending: NewRunEvent[] = [];
  let progressChanged = false;
  let current: { phase: string | null; done: bigint | null; total: bigint | null } = {
    phase: null,
    done: null,
    total: null,
  };
  let rate: { atMs: number; done: bigint; perSecond: number | null } = { atMs: startedMs, done: 0n, perSecond: null };
  let writing: Promise<void> = Promise.resolve();

  const flush = async () => {
    const events = pending;
    pending = [];
    const progress = progressChanged ? measure() : null;
    progressChanged = false;
    try {
      if (events.length > 0) await deps.runs.appendEvents(runId, events);
      if (progress !== null) await deps.runs.progress(runId, deps.workerId, progress);
    } catch (error) {
      pending = [...events, ...pending].slice(-mostPending);
      progressChanged ||= progress !== null;
      deps.logger.warn({ err: error, runId }, "the run's log could not be written; it will be tried again");
    }
  };
  const flushSoon = () => {
    writing = writing.then(flush);
  };

  const measure = (): RunProgress => {
    const nowMs = deps.clock.monotonicMs();
    const done = current.done ?? 0n;
    if (done >= rate.done && nowMs - rate.atMs >= rateWindowMs) {
      rate = { atMs: nowMs, done, perSecond: (Number(done - rate.done) * 1000) / (nowMs - rate.atMs) };
    } else if (done < rate.done) rate = { atMs: nowMs, done, perSecond: null };
    const left =
      current.total === null || current.done === null
        ? null
        : estimateRemaining({
            history,
            doneBytes: Number(current.done),
            totalBytes: Number(current.total),
            elapsedMs: nowMs - startedMs,
          });
    return {
      ...current,
      rateBytesPerSecond: rate.perSecond,
      etaLowMs: left?.lowMs ?? null,
      etaHighMs: left?.highMs ?? null,
    };
  };

  const timer = setInterval(() => {
    if (pending.length > 0 || progressChanged) flushSoon();
  }, flushEveryMs);

  return {
    emit(event) {
      switch (event.kind) {
        case "phase":
          current = { phase: event.phase, done: null, total: null };
          rate = { atMs: deps.clock.monotonicMs(), done: 0n, perSecond: null };
          pending.push({ level: "info", phase: event.phase, message: event.message });
          progressChanged = true;
          flushSoon();
          return;
        case "progress":
          current = { phase: current.phase, done: event.doneBytes, total: event.totalBytes };
          progressChanged = true;
          return;
        case "log":
          pending.push({ level: levels[event.level], phase: current.phase, message: event.message });
          return;
      }
    },
    get current() {
      return current;
    },
    async close() {
      clearInterval(timer);
      flushSoon();
      await writing;
      // What could not be written gets one more try: the last words of a run are the ones people look for.
      if (pending.length > 0) await flush();
    },
  };
}

const levels = { info: "info", warning: "warn", error: "error" } as const;
const flushEveryMs = 1_000;
const rateWindowMs = 2_000;
/** A database that stays away must not fill the memory with log lines. */
const mostPending = 1_000;
