import { graphql, type ResultOf } from "#graphql/graphql.ts";

export const ApiTokenFields = graphql(`
  fragment ApiTokenFields on ApiToken {
    id
    name
    prefix
    access
    createdAt
    expiresAt
    lastUsedAt
    revokedAt
  }
`);

export type ApiToken = ResultOf<typeof ApiTokenFields>;
