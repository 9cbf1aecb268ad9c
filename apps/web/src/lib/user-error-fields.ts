import { graphql } from "#graphql/graphql.ts";

/** Why a mutation was refused, as `useAct` reads it. */
export const UserErrorFields = graphql(`
  fragment UserErrorFields on UserError {
    code
    field
    message
    hint
  }
`);
