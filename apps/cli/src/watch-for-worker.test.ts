import { expect, it } from "vitest";
import type { ApiClient } from "./api-client.ts";
import { watchForWorker } from "./watch-for-worker.ts";

type Facts = { readonly state: string; readonly alive: readonly boolean[] } | "away";

/** What is noted while the api answers these, one a look and the last one for ever. */
async function notesOf(answers: readonly Facts[]): Promise<readonly string[]> {
  const notes: string[] = [];
  let looks = 0;
  const { promise: seen, resolve } = Promise.withResolvers<void>();
  const query: ApiClient["query"] = async (shape) => {
    const facts = answers[Math.min(looks, answers.length - 1)] ?? "away";
    if (looks++ > answers.length) resolve();
    if (facts === "away") throw new Error("away");
    return shape.parse({
      run: { state: facts.state },
      system: { workers: facts.alive.map((alive) => ({ alive })) },
    });
  };
  const watch = watchForWorker(
    { query },
    "run_1",
    (text) => {
      notes.push(text);
      resolve();
    },
    1,
  );
  await seen;
  watch.stop();
  return notes;
}

it("says once that no worker lives to begin or go on with a run, also after the api was away", async () => {
  for (const state of ["QUEUED", "WAITING", "RUNNING"]) {
    const notes = await notesOf(["away", { state, alive: [true] }, { state, alive: [false, false] }]);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain(`no worker is running: run run_1 is ${state.toLowerCase()}`);
  }
});

it("says nothing while a worker lives, or when the run is over", async () => {
  expect(await notesOf([{ state: "QUEUED", alive: [false, true] }])).toEqual([]);
  expect(await notesOf([{ state: "FAILED", alive: [] }])).toEqual([]);
});
