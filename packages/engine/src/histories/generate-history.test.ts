import { describe, expect, it } from "vitest";
import { generateHistory } from "./generate-history.ts";
import { describeStep } from "./history-step.ts";

describe("generateHistory", () => {
  it("gives the same history for the same seed, and another for another", () => {
    expect(generateHistory(7, 40)).toEqual(generateHistory(7, 40));
    expect(generateHistory(7, 40).steps).not.toEqual(generateHistory(8, 40).steps);
  });

  it("makes shorter histories the beginnings of longer ones, so that failures can be made smaller", () => {
    for (let seed = 0; seed < 50; seed++) {
      const long = generateHistory(seed, 60).steps;
      for (const length of [5, 13, 31])
        expect(generateHistory(seed, length).steps.slice(0, length)).toEqual(long.slice(0, length));
    }
  });

  it("begins with a full backup once there is content, and ends with a backup", () => {
    for (let seed = 0; seed < 200; seed++) {
      const { steps } = generateHistory(seed, 10 + (seed % 20));
      expect(steps.find(({ kind }) => kind === "backup")).toMatchObject({ reading: "full" });
      expect(steps.at(-1)?.kind).toBe("backup");
    }
  });

  it("does everything it can do within a few hundred histories", () => {
    const done = new Set<string>();
    for (let seed = 0; seed < 300; seed++) {
      for (const step of generateHistory(seed, 60).steps) done.add(describeStep(step).replace(/\bt\d+\b|\d+/g, "#"));
    }
    const all = [...done].join("\n");
    for (const what of [
      "crash",
      "restart",
      "same file number",
      "create the side database (file_copy",
      "create the side database (wal_log",
      "drop the side database",
      "move the side database",
      "unlogged",
      "in one transaction",
      "HOT",
      "cluster",
      "reindex",
      "vacuum full",
      "(FREEZE)",
      "roll back",
      "tablespace fast",
      "make # logged",
      "setval",
      "backup (full",
      "restored",
      ...["btree", "hash", "gin", "gist", "spgist", "brin", "bloom"].map((kind) => `create index t#_${kind}`),
    ]) {
      expect(all, what).toContain(what);
    }
  });
});
