import { graphql } from "#graphql/graphql.ts";
import { RemedyFields } from "./remedy-fields.ts";

export const FindingFields = graphql(
  `
    fragment FindingFields on Finding {
      id
      checkId
      severity
      title
      found
      required
      why
      remedy {
        ...RemedyFields
      }
      firstSeenAt
      recheckable
      server {
        id
        name
      }
      actionLabel
      actionPath
    }
  `,
  [RemedyFields],
);
