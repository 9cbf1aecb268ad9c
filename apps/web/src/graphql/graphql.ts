import { initGraphQLTada } from "gql.tada";
import type { introspection } from "./schema-types.d.ts";

/**
 * Parses and types a document against the api's schema. `schema-types.d.ts` is written by `npm run generate` from
 * `packages/api-schema/schema.graphql`; a unit test refuses a document the schema does not know.
 */
export const graphql = initGraphQLTada<{
  introspection: introspection;
  // Fragments sit beside their component as types of its props; masking would only add a call at each use.
  disableMasking: true;
  scalars: { ID: string; DateTime: string; BigInt: string; Lsn: string; JSON: unknown };
}>();

export type { ResultOf, TadaDocumentNode, VariablesOf } from "gql.tada";
