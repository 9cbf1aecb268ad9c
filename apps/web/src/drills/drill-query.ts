import { graphql, type ResultOf } from "#graphql/graphql.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";

/** A drill as one row of a list. */
export const DrillRowFields = graphql(`
  fragment DrillRowFields on Run {
    id
    state
    createdAt
    startedAt
    finishedAt
    requestedBy
    schedule {
      id
    }
    error {
      code
      message
    }
    drill {
      outcome
      reason
      rtoMs
      phases {
        name
      }
      asked {
        target
        behindSeconds
      }
      backup {
        id
        finishedAt
        startedAt
      }
      recovery {
        sentence
        reachedAt
        reachedLsn
      }
    }
  }
`);
export type DrillRow = ResultOf<typeof DrillRowFields>;

export const DrillSettingsFields = graphql(`
  fragment DrillSettingsFields on DrillSettings {
    target
    behindSeconds
    timeline
    maxBytes
    checkSeconds
    replaySeconds
    expectations {
      rows {
        database
        table
        rows
        tolerancePercent
      }
      sql {
        name
        database
        sql
        expected
      }
      estimateTolerancePercent
    }
  }
`);
export type DrillSettings = ResultOf<typeof DrillSettingsFields>;

/** Everything that is kept of a drill. */
export const DrillEvidenceFields = graphql(
  `
    fragment DrillEvidenceFields on DrillEvidence {
      outcome
      reason
      rtoMs
      phases {
        name
        durationMs
      }
      checks {
        name
        ok
        detail
      }
      asked {
        ...DrillSettingsFields
      }
      backup {
        id
        startedAt
        finishedAt
        startLsn
        stopLsn
        timeline
        sizeBytes
      }
      restored {
        serverName
        systemIdentifier
        sourceVersion
        stoppedAt
        bytes
      }
      recovery {
        target
        timeline
        sentence
        reachedLsn
        reachedAt
        segments
        waitedMs
      }
      postgresVersion
      tidemarkVersion
      hostname
      startedAt
      finishedAt
      log
    }
  `,
  [DrillSettingsFields],
);
export type DrillEvidence = ResultOf<typeof DrillEvidenceFields>;

export const DrillServer = graphql(
  `
    mutation DrillServer($input: DrillServerInput!) {
      drillServer(input: $input) {
        run {
          id
        }
        userErrors {
          ...UserErrorFields
        }
      }
    }
  `,
  [UserErrorFields],
);

export const EvidencePage = graphql(
  `
    query EvidencePage($id: ID!) {
      run(id: $id) {
        id
        kind
        state
        requestedBy
        createdAt
        server {
          id
          name
        }
        error {
          code
          message
          hint
        }
        drill {
          ...DrillEvidenceFields
        }
      }
    }
  `,
  [DrillEvidenceFields],
);
