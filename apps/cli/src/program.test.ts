import { readFileSync } from "node:fs";
import { systemClock } from "@tidemark/kit";
import { expect, it } from "vitest";
import { buildProgram } from "./program.ts";
import { captureOutput } from "./test-output.ts";

const { commands } = buildProgram({
  environment: {},
  stdinIsTerminal: false,
  clock: systemClock,
  bytes: { isTerminal: false, write: async () => undefined },
  output: (format) => captureOutput(format).output,
});
const page = readFileSync(new URL("../../../docs/commands.md", import.meta.url), "utf8");
const openApi = readFileSync(new URL("../../../packages/api-schema/openapi.json", import.meta.url), "utf8");
const schema = readFileSync(new URL("../../../packages/api-schema/schema.graphql", import.meta.url), "utf8");

it("documents every command, and no other, in docs/commands.md", () => {
  const documented = [...page.matchAll(/^\| `tidemark ([a-z]+(?: [a-z][a-z-]*){0,2})/gm)].map(([, name]) => name);
  expect([...new Set(documented)].sort()).toEqual([...commands].sort());
});

it("names operations of REST and fields of GraphQL that are there", () => {
  for (const [, path] of page.matchAll(/`(?:GET|POST|DELETE|PATCH) (\/[^`?]*)/g)) {
    expect(openApi, path).toContain(`"${path}"`);
  }
  const fields = [...page.matchAll(/^\| `tidemark[^|]*\| ([^|]*) \|/gm)].flatMap(([, cell]) =>
    [...(cell ?? "").matchAll(/`([A-Za-z.]+)`/g)].map(([, field]) => field?.split(".").at(-1)),
  );
  expect(fields.length).toBeGreaterThan(30);
  for (const field of fields) expect(schema, field).toMatch(new RegExp(`^  ${field}[(:]`, "m"));
});
