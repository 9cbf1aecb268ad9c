import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { AppError } from "./app-error.ts";
import { readSettings } from "./settings.ts";

const shape = {
  TIDEMARK_PORT: z.coerce.number().int().min(0).max(65_535).default(7400),
  TIDEMARK_TOKEN: z.string().optional(),
  DATABASE_URL: z.url().optional(),
};

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "settings-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

const problemOf = (environment: Record<string, string>, options = {}) => {
  try {
    readSettings(shape, environment, options);
  } catch (error) {
    if (error instanceof AppError && error.code === "setting-invalid") return error.message;
    throw error;
  }
  return null;
};

describe("readSettings", () => {
  it("fills in defaults, says what was given, counts empty as not given and freezes", () => {
    const settings = readSettings(shape, { TIDEMARK_PORT: "", TIDEMARK_TOKEN: "t", HOME: "/root" });
    expect(settings).toEqual({ values: { TIDEMARK_PORT: 7400, TIDEMARK_TOKEN: "t" }, given: ["TIDEMARK_TOKEN"] });
    expect(Object.isFrozen(settings.values)).toBe(true);
  });

  it("takes a value from a file without its last line end", () => {
    const file = join(dir, "token");
    writeFileSync(file, "geheim\r\n");
    expect(readSettings(shape, { TIDEMARK_TOKEN_FILE: file }).values.TIDEMARK_TOKEN).toBe("geheim");
  });

  it("names every problem at once", () => {
    const message = problemOf(
      {
        TIDEMARK_PORT: "70000",
        DATABASE_URL: "nonsense",
        TIDEMARK_TOKEN: "a",
        TIDEMARK_TOKEN_FILE: "/b",
        TIDEMARK_PROT: "1",
      },
      { prefix: "TIDEMARK_" },
    );
    for (const part of [
      "TIDEMARK_PORT",
      "DATABASE_URL",
      "TIDEMARK_TOKEN and TIDEMARK_TOKEN_FILE",
      "TIDEMARK_PROT is not a setting",
    ]) {
      expect(message).toContain(part);
    }
  });

  it("says which file cannot be read, and lets other apps' names pass", () => {
    expect(problemOf({ TIDEMARK_TOKEN_FILE: join(dir, "none") })).toContain("cannot be read");
    expect(problemOf({ TIDEMARK_OTHER: "1" }, { prefix: "TIDEMARK_", known: ["TIDEMARK_OTHER"] })).toBeNull();
    expect(problemOf({ TIDEMARK_OTHER: "1" })).toBeNull();
  });
});
