import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openApiFile, schemaFile } from "@tidemark/api-schema";
import { printSchema } from "graphql";
import { buildSchema } from "./graphql/schema.ts";
import { openApiDocument } from "./rest/openapi.ts";

/**
 * Writes the API's documents into packages/api-schema, where they are committed so that a change of the API shows in the
 * diff. With `--check` nothing is written and a difference is a failure.
 */
const documents: readonly (readonly [URL, string])[] = [
  [
    schemaFile,
    `# Printed from the code of apps/api; change it there and run \`npm run generate\`.\n\n${printSchema(buildSchema())}\n`,
  ],
  [openApiFile, `${JSON.stringify(openApiDocument(), null, 2)}\n`],
];
const onlyCheck = process.argv.includes("--check");

for (const [file, text] of documents) {
  if (readOrEmpty(file) === text) continue;
  if (onlyCheck) {
    process.stderr.write(`${fileURLToPath(file)} is not what the code says; run \`npm run generate\` and commit it\n`);
    process.exitCode = 1;
  } else writeFileSync(file, text);
}

function readOrEmpty(file: URL): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
