import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createChildLog, importantLine } from "./child-log.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("shows errors of ours as a sentence without secrets, and nothing else", () => {
  expect(importantLine('{"level":50,"msg":"x postgresql://u:pw@h","err":{"message":"why"}}')).toBe(
    "x postgresql://u:[secret]@h: why",
  );
  expect(importantLine('{"level":30,"msg":"fine"}')).toBeNull();
  expect(importantLine("plain text")).toBeNull();
});

it("gives each line once, whole, however it arrives", () => {
  const path = join(folder, "a.log");
  const log = createChildLog(path);
  expect(log.follow()).toEqual([]);
  appendFileSync(path, "one\ntw");
  expect(log.follow()).toEqual(["one"]);
  appendFileSync(path, "o\n");
  expect(log.follow()).toEqual(["two"]);
});

it("keeps the last start's log beside the new one", () => {
  const path = join(folder, "a.log");
  writeFileSync(path, "before\n");
  createChildLog(path);
  expect(readFileSync(`${path}.1`, "utf8")).toBe("before\n");
});
