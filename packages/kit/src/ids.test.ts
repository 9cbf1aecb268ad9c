import { describe, expect, it } from "vitest";
import { type IdKind, idKind, idPrefixes, newId } from "./ids.ts";

const kinds = Object.keys(idPrefixes) as IdKind[];

describe("ids", () => {
  it("say what they name, are lower case and never the same", () => {
    for (const kind of kinds) {
      const id = newId(kind);
      expect(id).toMatch(/^[a-z]{3}_[0-9a-z]{26}$/);
      expect(idKind(id)).toBe(kind);
    }
    expect(new Set(Array.from({ length: 1_000 }, () => newId("run"))).size).toBe(1_000);
    expect(new Set(Object.values(idPrefixes)).size).toBe(kinds.length);
  });

  it("are told from other text", () => {
    const id = newId("run");
    for (const other of [
      "",
      "run",
      id.toUpperCase(),
      ` ${id}`,
      `${id}0`,
      id.slice(0, -1),
      `xyz_${id.slice(4)}`,
      `${id}\n`,
    ]) {
      expect(idKind(other)).toBeNull();
    }
  });
});
