import { expect, it } from "vitest";
import { phasesOf } from "./phases.ts";

const events = [
  { at: "2026-01-01T00:00:00Z", phase: null },
  { at: "2026-01-01T00:00:01Z", phase: "checkpoint" },
  { at: "2026-01-01T00:00:02Z", phase: "checkpoint" },
  { at: "2026-01-01T00:00:05Z", phase: "copy" },
];

it("reads phases and their lengths from the log, the last one open while the run goes on", () => {
  expect(phasesOf(events, null)).toEqual([
    { name: "checkpoint", startedAt: "2026-01-01T00:00:01Z", durationMs: 4000 },
    { name: "copy", startedAt: "2026-01-01T00:00:05Z", durationMs: null },
  ]);
});

it("ends the last phase with the run", () => {
  expect(phasesOf(events, "2026-01-01T00:00:09Z").at(-1)?.durationMs).toBe(4000);
});

it("has no phases without a log", () => {
  expect(phasesOf([], "2026-01-01T00:00:09Z")).toEqual([]);
});
