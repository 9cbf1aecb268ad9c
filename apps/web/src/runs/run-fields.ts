import { graphql } from "#graphql/graphql.ts";

/** A run as one row of a list. */
export const RunRowFields = graphql(`
  fragment RunRowFields on Run {
    id
    kind
    state
    phase
    done
    total
    etaLowMs
    etaHighMs
    createdAt
    startedAt
    finishedAt
    requestedBy
    waitingReason
    lateMs
    schedule {
      id
    }
    server {
      id
      name
    }
    error {
      code
      message
    }
  }
`);
