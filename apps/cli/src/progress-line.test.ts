import { expect, it } from "vitest";
import { bar, type ProgressEvent, ProgressLine } from "./progress-line.ts";

const event: ProgressEvent = {
  at: "2026-01-02T03:04:05.000Z",
  level: "info",
  phase: "copying",
  message: "copying",
  done: "0",
  total: "100",
};

it("stays within its frame when the estimate is passed", () => {
  expect(bar({ ...event, done: "250", total: "100" })).toContain(`[${"#".repeat(24)}] 100%`);
});

it("draws nothing as done for an empty total", () => {
  expect(bar({ ...event, total: "0" })).toContain("   0%");
});

it("repeats no line where nothing can be redrawn", () => {
  const lines: string[] = [];
  const line = new ProgressLine({
    format: "table",
    interactive: false,
    write: () => undefined,
    note: (text) => lines.push(text),
  });
  for (const done of ["1", "2", "3"]) line.show({ ...event, done });
  line.show({ ...event, message: "storing the manifest", level: "warn" });
  line.end();
  expect(lines).toEqual(["03:04:05 copying\n", "03:04:05 warn: storing the manifest\n"]);
});
