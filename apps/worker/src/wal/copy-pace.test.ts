import { expect, it } from "vitest";
import { keepCopyPace } from "./copy-pace.ts";

it("waits for nothing without a limit, and ends a long wait when it is told to", async () => {
  await keepCopyPace(1n << 40n, null, new AbortController().signal);
  const stopping = new AbortController();
  // A day's worth at the least limit there is.
  const waiting = keepCopyPace(86_400 * 32 * 1_024, 32, stopping.signal);
  stopping.abort(new Error("stopped"));
  await expect(waiting).rejects.toThrow("stopped");
});
