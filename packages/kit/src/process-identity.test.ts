import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { identifyProcess, isProcessAlive } from "./process-identity.ts";

it("knows a living process, and that it is gone once it ended", async () => {
  const child = spawn(process.execPath, ["-e", "process.stdin.resume()"], { stdio: ["pipe", "ignore", "ignore"] });
  const ended = once(child, "exit");
  await once(child, "spawn");
  const identity = identifyProcess(child.pid ?? 0);
  if (identity === null) throw new Error("the child is not seen");
  expect(isProcessAlive(identity)).toBe(true);
  child.stdin.end();
  await ended;
  expect(isProcessAlive(identity)).toBe(false);
});

it("does not take another process with the same number for it", () => {
  const own = identifyProcess(process.pid);
  expect(own).not.toBeNull();
  expect(isProcessAlive({ pid: process.pid, began: "another time" })).toBe(false);
  expect(identifyProcess(2 ** 22 + 1)).toBeNull();
});
