import { graphql } from "#graphql/graphql.ts";

export const FindingFields = graphql(`
  fragment FindingFields on Finding {
    id
    checkId
    severity
    title
    found
    required
    why
    remedy {
      sql
      hba
      settings
      needs
    }
    firstSeenAt
    actionLabel
    actionPath
  }
`);
