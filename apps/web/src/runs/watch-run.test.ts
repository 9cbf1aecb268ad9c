import { describe, expect, it } from "vitest";
import { type RunSource, watchRun } from "./watch-run.ts";

interface Event {
  readonly seq: number;
}

const log = (from: number, to: number): Event[] => Array.from({ length: to - from + 1 }, (_, i) => ({ seq: from + i }));

function follow(source: Partial<RunSource<string, Event>>, signal = new AbortController().signal) {
  const seen: number[] = [];
  const runs: string[] = [];
  const troubles: unknown[] = [];
  const whole: RunSource<string, Event> = {
    snapshot: async () => ({ run: "done", events: [], final: true, lastSeq: 0 }),
    stream: async function* () {
      yield* log(1, 0);
    },
    wait: async () => new Promise((resolve) => setImmediate(resolve)),
    ...source,
  };
  const sink = {
    onRun: (run: string) => void runs.push(run),
    onEvents: (events: readonly Event[]) => void seen.push(...events.map((e) => e.seq)),
    onTrouble: (error: unknown) => void troubles.push(error),
  };
  return { ended: watchRun(whole, sink, signal), seen, runs, troubles };
}

describe("watchRun", () => {
  it("hands over each event once and in order when the stream and the looks bring the same ones", async () => {
    let looks = 0;
    const watch = follow({
      snapshot: async (after) => {
        looks++;
        return { run: `look ${looks}`, events: log(1, 6).filter((e) => e.seq > after), final: looks > 2, lastSeq: 6 };
      },
      stream: async function* () {
        yield* log(1, 4);
      },
    });
    await watch.ended;
    expect(watch.seen).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("looks at once when the stream ends, since the run has ended then", async () => {
    let streamed = false;
    const watch = follow({
      snapshot: async () => ({ run: "a look", events: [], final: streamed, lastSeq: 2 }),
      stream: async function* () {
        yield* log(1, 2);
        streamed = true;
      },
      // The time between two looks never passes by itself.
      wait: (_, signal) =>
        new Promise((resolve) => {
          if (signal.aborted) resolve();
          else signal.addEventListener("abort", () => resolve());
        }),
    });
    await watch.ended;
    expect(watch.seen).toEqual([1, 2]);
    expect(watch.runs).toHaveLength(2);
  });

  it("brings the whole log by looks alone when the stream never works", async () => {
    const watch = follow({
      snapshot: async (after) => ({
        run: "done",
        events: log(after + 1, Math.min(after + 100, 250)),
        final: true,
        lastSeq: 250,
      }),
      // biome-ignore lint/correctness/useYield: it fails before its first event.
      stream: async function* () {
        throw new Error("buffered by a proxy");
      },
    });
    await watch.ended;
    expect(watch.seen).toHaveLength(250);
  });

  it("says that the api is away, goes on, and says when it is back", async () => {
    let asked = 0;
    const watch = follow({
      snapshot: async () => {
        asked++;
        if (asked < 3) throw new Error("away");
        return { run: "done", events: [], final: true, lastSeq: 0 };
      },
    });
    await watch.ended;
    expect(watch.troubles.map((t) => t instanceof Error)).toEqual([true, true, false]);
    expect(watch.runs).toEqual(["done"]);
  });

  it("opens the stream again after the last event seen", async () => {
    const openedAfter: number[] = [];
    const watch = follow({
      snapshot: async (after) => ({ run: "x", events: [], final: after >= 5, lastSeq: 5 }),
      stream: async function* (after) {
        openedAfter.push(after);
        yield* log(after + 1, Math.min(5, after + 2));
      },
    });
    await watch.ended;
    expect(watch.seen).toEqual([1, 2, 3, 4, 5]);
    expect(openedAfter.slice(0, 2)).toEqual([0, 2]);
  });

  it("stops when its page is left", async () => {
    const page = new AbortController();
    const watch = follow({ snapshot: async () => ({ run: "x", events: [], final: false, lastSeq: 0 }) }, page.signal);
    page.abort();
    await expect(watch.ended).resolves.toBeUndefined();
  });
});
