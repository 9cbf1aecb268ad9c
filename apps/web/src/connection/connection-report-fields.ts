import { graphql } from "#graphql/graphql.ts";

export const ConnectionReportFields = graphql(`
  fragment ConnectionReportFields on ConnectionReport {
    ok
    steps {
      step
      title
      state
      durationMs
      detail
      error {
        code
        message
        hint
      }
      remedy {
        sql
        hba
        settings
        needs
      }
    }
    facts {
      systemIdentifier
      serverVersion
      inRecovery
      walLevel
      checksums
      sizeBytes
    }
    duplicateOf {
      asMember
      server {
        id
        name
      }
    }
  }
`);
