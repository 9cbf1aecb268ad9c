import { graphql } from "#graphql/graphql.ts";

export const PolicyRules = graphql(`
  fragment PolicyRules on Policy {
    keepLast
    windowDays
    daily
    weekly
    monthly
    yearly
    timeZone
    minimum
    sentence
  }
`);
