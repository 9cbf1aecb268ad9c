/** Where a run's state and log come from; the browser's is `run-source.ts`. */
export interface RunSource<R, E extends { readonly seq: number }> {
  /** The run's row and the events after a sequence number (a page of them). */
  snapshot(
    afterSeq: number,
    signal: AbortSignal,
  ): Promise<{ readonly run: R; readonly events: readonly E[]; readonly final: boolean; readonly lastSeq: number }>;
  /** Events as they happen, from after a sequence number on; ends when the run is final. */
  stream(afterSeq: number, signal: AbortSignal): AsyncIterable<E>;
  /** Resolves after the time, or at once when aborted. */
  wait(durationMs: number, signal: AbortSignal): Promise<void>;
}

export interface RunSink<R, E> {
  readonly onRun: (run: R) => void;
  /** Events in order, each exactly once. */
  readonly onEvents: (events: readonly E[]) => void;
  /** The last question failed (its error), or the first after that was answered (null). */
  readonly onTrouble: (error: unknown) => void;
}

/** Between two looks at the row while the run goes on; rate and time left come from there. */
const lookMs = 2000;
/** Before the stream is opened again after it broke; until then the looks bring the events. */
const reopenMs = 5000;

/**
 * Follows a run to its end. Two sources feed one log: the event stream for speed, and a look at the row every two
 * seconds that also brings whatever events the stream has not (a proxy that buffers, a connection that broke). Resolves
 * when the run is final and its whole log was handed over, or when `signal` is aborted.
 */
export async function watchRun<R, E extends { readonly seq: number }>(
  source: RunSource<R, E>,
  sink: RunSink<R, E>,
  signal: AbortSignal,
): Promise<void> {
  let seen = 0;
  const take = (events: readonly E[]) => {
    const fresh = events.filter((event) => event.seq > seen);
    const last = fresh.at(-1);
    if (last === undefined) return;
    seen = last.seq;
    sink.onEvents(fresh);
  };
  const over = new AbortController();
  let hurry = new AbortController();
  const ended = AbortSignal.any([signal, over.signal]);
  await Promise.all([look(), listen()]);

  async function look(): Promise<void> {
    while (!ended.aborted) {
      try {
        const { run, events, final, lastSeq } = await source.snapshot(seen, ended);
        take(events);
        sink.onRun(run);
        sink.onTrouble(null);
        if (final && seen >= lastSeq) return over.abort();
        if (events.length > 0 && seen < lastSeq) continue;
      } catch (error) {
        if (!ended.aborted) sink.onTrouble(error);
      }
      await source.wait(lookMs, AbortSignal.any([ended, hurry.signal]));
      hurry = new AbortController();
    }
  }

  async function listen(): Promise<void> {
    while (!ended.aborted) {
      try {
        for await (const event of source.stream(seen, ended)) take([event]);
        // It ends when the run does: a short run should not look as if it took until the next look.
        hurry.abort();
      } catch {
        // The looks go on and say when the api itself is away; a broken stream alone loses nothing.
      }
      await source.wait(reopenMs, ended);
    }
  }
}
