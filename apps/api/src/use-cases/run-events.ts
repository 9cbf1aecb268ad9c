import { isFinalRunState, type Metadata, type RunEvent } from "@tidemark/metadata";

/**
 * A run's log from after a sequence number on, first what is there, then live. Ends when the run is final and its whole
 * log was given, or when `signal` aborts.
 */
export async function* followRunEvents(
  metadata: Metadata,
  runId: string,
  afterSeq: number,
  signal: AbortSignal,
): AsyncGenerator<RunEvent, void, undefined> {
  let seq = afterSeq;
  for await (const _woken of metadata.watchRun(runId, signal)) {
    // Read before the events: a run seen as final has no event after its `lastSeq`.
    const run = await metadata.runs.get(runId);
    if (run === null) return;
    for (;;) {
      const events = await metadata.runs.eventsAfter(runId, seq, eventsPerRead);
      for (const event of events) {
        seq = event.seq;
        yield event;
      }
      if (events.length < eventsPerRead) break;
    }
    if (isFinalRunState(run.state) && seq >= run.lastSeq) return;
  }
}

const eventsPerRead = 500;
