import { graphql } from "#graphql/graphql.ts";

/** A backup as one row of a list. */
export const BackupRowFields = graphql(`
  fragment BackupRowFields on Backup {
    id
    state
    damaged
    label
    startedAt
    finishedAt
    durationMs
    sizeBytes
    storedBytes
    verifiedAt
    provenAt
    proof {
      ok
      outcome
    }
    hold {
      reason
    }
    note
    retentionReasons
  }
`);
