import { graphql } from "#graphql/graphql.ts";

export const RestorePlanFields = graphql(`
  fragment RestorePlanFields on RestorePlan {
    planHash
    ok
    targetDirectory
    tablespaces {
      oid
      from
      to
    }
    fileCount
    bytesToWrite
    bytesToRead
    checks {
      id
      state
      sentence
    }
    sentence
    delta {
      comparedFiles
      comparedBytes
      newFiles
      removedCount
      removedBytes
      removed
    }
    emptiedDatabases
    recovery {
      timeline
      throughLsn
      throughAt
      segments
      storedBytes
      sentence
      notes
    }
    estimate {
      lowMs
      highMs
      how
    }
    equivalentCli
    equivalentGraphql
  }
`);
