import type { Run, RunKind, RunState } from "@tidemark/metadata";
import { describe, expect, it } from "vitest";
import { blockerOf, conflictsWith, waitingSentence } from "./exclusion.ts";

describe("exclusion", () => {
  it("is symmetric where it must be: what one act waits for also waits for it", () => {
    for (const [kind, against] of Object.entries(conflictsWith)) {
      for (const other of against) expect(conflictsWith[other], `${other} and ${kind}`).toContain(kind);
    }
  });

  it("makes a backup wait for a running backup of the same server and says for which", () => {
    const running = run("backup", "running", 1);
    const blocker = blockerOf(run("backup", "queued", 2), [running]);
    expect(blocker).toBe(running);
    expect(blocker === null ? "" : waitingSentence(blocker)).toBe(`waiting for backup run ${running.id}`);
  });

  it("lets a restore start beside a backup and a drill", () => {
    const others = [run("backup", "running", 1), run("drill", "running", 2)];
    expect(blockerOf(run("restore", "queued", 3), others)).toBeNull();
  });

  it("makes retention wait for a restore that reads", () => {
    expect(blockerOf(run("retention", "queued", 2), [run("restore", "running", 1)])?.kind).toBe("restore");
  });

  it("serves those that wait in the order they came", () => {
    const first = run("backup", "waiting", 1);
    const second = run("backup", "waiting", 2);
    expect(blockerOf(second, [first, second])).toBe(first);
    expect(blockerOf(first, [first, second])).toBeNull();
  });

  it("does not wait for a run that nobody has begun to work on", () => {
    expect(blockerOf(run("backup", "queued", 2), [run("backup", "queued", 1)])).toBeNull();
  });
});

function run(kind: RunKind, state: RunState, age: number): Run {
  return { id: `run_${age}`, kind, state, createdAt: new Date(age * 1000) } as Run;
}
