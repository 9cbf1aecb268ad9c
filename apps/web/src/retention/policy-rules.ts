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

export const PolicyTargets = graphql(`
  fragment PolicyTargets on Policy {
    rpoTargetSeconds
    rtoTargetSeconds
    proofDays
    verifyDays
    targetsSentence
  }
`);
