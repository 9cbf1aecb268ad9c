import { expect, it } from "vitest";
import { bytePartsOf, readingSentence } from "./backup-bytes.ts";

const sizes = {
  totalBytes: "1000",
  newBytes: "100",
  referencedBytes: "200",
  carriedBytes: "650",
  zeroBytes: "50",
  readBytes: "300",
  sentBytes: "310",
  storedBytes: "40",
};

it("draws parts that add up to the whole", () => {
  const parts = bytePartsOf(sizes);
  expect(parts.map(({ bytes }) => Number(bytes)).reduce((sum, one) => sum + one, 0)).toBe(1000);
  expect(parts.map(({ share }) => share).reduce((sum, one) => sum + one, 0)).toBeCloseTo(1);
  expect(bytePartsOf({ ...sizes, zeroBytes: "0" }).map(({ name }) => name)).toEqual(["New", "Known", "Carried over"]);
});

it("says why everything was read", () => {
  const full = {
    kind: "FULL" as const,
    reason: "summaries are missing",
    fromBackupId: null,
    resentFiles: null,
    resentBytes: null,
  };
  expect(readingSentence(full)).toBe("Everything was read, because summaries are missing.");
  expect(readingSentence({ ...full, reason: null })).toContain("no backup to build on");
});
