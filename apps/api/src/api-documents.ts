import { openApiFile, schemaFile } from "@tidemark/api-schema";
import { printSchema } from "graphql";
import { buildSchema } from "./graphql/schema.ts";
import { openApiDocument } from "./rest/openapi.ts";

/** The API's documents as the code says them now, and the files they are committed in. */
export function apiDocuments(): readonly { readonly file: URL; readonly text: string }[] {
  const head = "# Printed from the code of apps/api; change it there and run `npm run generate`.";
  return [
    { file: schemaFile, text: `${head}\n\n${printSchema(buildSchema())}\n` },
    { file: openApiFile, text: `${JSON.stringify(openApiDocument(), null, 2)}\n` },
  ];
}
