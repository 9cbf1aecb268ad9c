import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { schemaFile } from "@tidemark/api-schema";
import { buildSchema, Kind, parse, specifiedRules, validate, visit } from "graphql";
import { expect, it } from "vitest";

const room = resolve(import.meta.dirname, "..");
const schema = buildSchema(readFileSync(schemaFile, "utf8"));

/** The text of every `graphql(…)` document of this room, fragments included. */
function documentTexts(): Map<string, string[]> {
  const texts = new Map<string, string[]>();
  for (const name of readdirSync(room, { recursive: true, encoding: "utf8" })) {
    if (!/\.tsx?$/.test(name) || name.endsWith(".test.ts")) continue;
    const found = [...readFileSync(join(room, name), "utf8").matchAll(/\bgraphql\(\s*(?:\/\*.*?\*\/\s*)?`([^`]+)`/gs)];
    if (found.length > 0)
      texts.set(
        name,
        found.map((match) => match[1] ?? ""),
      );
  }
  return texts;
}

it("asks only for what the committed schema has", () => {
  const texts = documentTexts();
  expect(texts.size).toBeGreaterThan(10);
  const definitions = [...texts.values()].flat().flatMap((text) => parse(text).definitions);
  const names = definitions.flatMap((d) => (d.kind === Kind.FRAGMENT_DEFINITION ? [d.name.value] : []));
  expect(new Set(names).size, "two fragments have one name").toBe(names.length);
  const errors = validate(schema, { kind: Kind.DOCUMENT, definitions }, specifiedRules);
  expect(errors.map((error) => error.message)).toEqual([]);
});

it("bounds every list it asks for", () => {
  for (const [file, texts] of documentTexts()) {
    for (const text of texts) {
      visit(parse(text), {
        Field(field) {
          const inner = field.selectionSet?.selections.some((s) => s.kind === Kind.FIELD && s.name.value === "nodes");
          if (inner !== true) return;
          const bound = field.arguments?.some((a) => a.name.value === "first" || a.name.value === "last");
          expect(bound, `${field.name.value} in ${file}`).toBe(true);
        },
      });
    }
  }
});
