import { writeFileSync } from "node:fs";
import { apiDocuments } from "./api-documents.ts";

/** Writes the API's documents into packages/api-schema, where they are committed so that a change of the API shows in the diff. */
for (const { file, text } of apiDocuments()) writeFileSync(file, text);
