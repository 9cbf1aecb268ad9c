import { print } from "graphql";
import { createClient } from "graphql-sse";
import type { ResultOf } from "#graphql/graphql.ts";
import { RequestError } from "#lib/problem.ts";
import { request } from "#lib/request.ts";
import { type RunDetail, type RunEvent, RunEvents, RunSnapshot } from "./run-query.ts";
import { isFinal } from "./run-state.ts";
import type { RunSource } from "./watch-run.ts";

/** A run as the browser hears of it: GraphQL for the row, GraphQL over SSE for the log. */
export function createRunSource(id: string): RunSource<RunDetail, RunEvent> {
  return {
    async snapshot(afterSeq, signal) {
      const { run } = await request(RunSnapshot, { id, afterSeq }, signal);
      if (run === null) {
        throw new RequestError({ code: "not-found", message: `There is no run ${id}.`, hint: null, field: null });
      }
      return { run, events: run.events, final: isFinal(run.state), lastSeq: run.lastSeq };
    },
    async *stream(afterSeq, signal) {
      // The watcher opens a broken stream again by itself, at the right place.
      const client = createClient({ url: "/graphql/stream", retryAttempts: 0 });
      const close = () => client.dispose();
      signal.addEventListener("abort", close, { once: true });
      try {
        const events = client.iterate<ResultOf<typeof RunEvents>>({
          query: print(RunEvents),
          variables: { runId: id, afterSeq },
        });
        for await (const { data } of events) {
          if (data) yield data.runEvents;
        }
      } finally {
        signal.removeEventListener("abort", close);
        client.dispose();
      }
    },
    wait: (durationMs, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const timer = setTimeout(done, durationMs);
        function done() {
          clearTimeout(timer);
          signal.removeEventListener("abort", done);
          resolve();
        }
        signal.addEventListener("abort", done);
      }),
  };
}
