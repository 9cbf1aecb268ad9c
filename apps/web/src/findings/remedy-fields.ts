import { graphql } from "#graphql/graphql.ts";

export const RemedyFields = graphql(`
  fragment RemedyFields on Remedy {
    sql
    hba
    settings
    advice
    needs
  }
`);
