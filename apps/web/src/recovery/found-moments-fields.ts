import { graphql, type ResultOf } from "#graphql/graphql.ts";

export const FoundMomentsFields = graphql(`
  fragment FoundMomentsFields on FoundMoments {
    moments {
      xid
      commitAt
      commitLsn
      timeline
      restorable
      changes {
        kind
        schema
        table
        rows
      }
    }
    limits
    earlierCluster
    readBytes
    transactions
    readUntil
  }
`);

export type FoundMoments = ResultOf<typeof FoundMomentsFields>;
export type FoundMoment = FoundMoments["moments"][number];
export type MomentChange = FoundMoment["changes"][number];
