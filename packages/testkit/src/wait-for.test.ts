import { expect, it } from "vitest";
import { waitFor } from "./wait-for.ts";

it("gives what the condition gave first", async () => {
  let asked = 0;
  expect(await waitFor(() => (++asked < 3 ? null : asked), { what: "three", everyMs: 1 })).toBe(3);
});

it("says what it waited for, with the last error as cause", async () => {
  const failing = () => Promise.reject(new Error("not yet"));
  const waiting = waitFor(failing, { what: "the tide", timeoutMs: 5, everyMs: 1 });
  await expect(waiting).rejects.toMatchObject({
    message: "waited 5 ms in vain for the tide",
    cause: expect.objectContaining({ message: "not yet" }),
  });
});
