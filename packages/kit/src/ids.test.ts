import { describe, expect, it } from "vitest";
import { type IdKind, idKind, idPrefixes, idTime, newId } from "./ids.ts";

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

  it("say when they were made", () => {
    const before = Date.now();
    expect(idTime(newId("backup"))?.getTime()).toBeGreaterThanOrEqual(before);
    expect(idTime("bak_01arz3ndektsv4rrffq69g5fav")).toEqual(new Date(1469922850259));
    for (const other of ["bak_81arz3ndektsv4rrffq69g5fav", "xxx_01arz3ndektsv4rrffq69g5fav", ""])
      expect(idTime(other)).toBeNull();
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
