import { RemedyFields } from "#findings/remedy-fields.ts";
import { graphql } from "#graphql/graphql.ts";

export const ServerCheckFields = graphql(
  `
    fragment ServerCheckFields on ServerCheck {
      id
      title
      state
      severity
      read
      required
      found
      why
      remedy {
        ...RemedyFields
      }
    }
  `,
  [RemedyFields],
);
