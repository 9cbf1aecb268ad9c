import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { apiDocuments } from "./api-documents.ts";

it("commits the documents the code prints: run `npm run generate` after a change of the API", () => {
  const differing = apiDocuments().filter(({ file, text }) => readFileSync(file, "utf8") !== text);
  expect(differing.map(({ file }) => file.pathname)).toEqual([]);
});
