import { ProofFields, VerificationFields } from "#backups/proof-fields.ts";
import { ServerCheckFields } from "#checks/check-fields.ts";
import { ConnectionReportFields } from "#connection/connection-report-fields.ts";
import { DrillEvidenceFields } from "#drills/drill-query.ts";
import { graphql, type ResultOf } from "#graphql/graphql.ts";
import { FoundMomentsFields } from "#recovery/found-moments-fields.ts";
import { RestorePlanFields } from "#restore/restore-plan-fields.ts";
import { RetentionPreviewFields } from "#retention/retention-preview-fields.ts";
import { ServerActFields } from "#server-acts/server-act-fields.ts";
import { RunRowFields } from "./run-fields.ts";

/** Everything the page of a run shows. */
export const RunDetailFields = graphql(
  `
    fragment RunDetailFields on Run {
      ...RunRowFields
      server {
        id
        timeZone
      }
      rateBytesPerSecond
      cancelRequestedAt
      cancelEffect
      scheduledFor
      lastSeq
      result
      error {
        code
        message
        hint
      }
      schedule {
        id
        sentence
      }
      repository {
        id
        name
      }
      backup {
        id
        state
        startedAt
        sizeBytes
        storedBytes
        damaged
        reading {
          kind
          reason
        }
        proof {
          ...ProofFields
        }
        verification {
          ...VerificationFields
        }
      }
      connectionReport {
        ...ConnectionReportFields
      }
      drill {
        ...DrillEvidenceFields
      }
      restorePlan {
        ...RestorePlanFields
      }
      foundMoments {
        ...FoundMomentsFields
      }
      retentionPreview {
        ...RetentionPreviewFields
      }
      inspection {
        observedAt
        blocksBackup
        blocksWal
        checks {
          ...ServerCheckFields
        }
      }
      serverAct {
        ...ServerActFields
      }
    }
  `,
  [
    RunRowFields,
    ProofFields,
    VerificationFields,
    ConnectionReportFields,
    DrillEvidenceFields,
    RestorePlanFields,
    FoundMomentsFields,
    RetentionPreviewFields,
    ServerCheckFields,
    ServerActFields,
  ],
);

export type RunDetail = ResultOf<typeof RunDetailFields>;

export const RunEventFields = graphql(`
  fragment RunEventFields on RunEvent {
    seq
    at
    level
    phase
    message
    done
    total
    runState
  }
`);

export type RunEvent = ResultOf<typeof RunEventFields>;

export const RunOfPage = graphql(
  `
    query RunOfPage($id: ID!) {
      run(id: $id) {
        ...RunDetailFields
      }
    }
  `,
  [RunDetailFields],
);

export const RunSnapshot = graphql(
  `
    query RunSnapshot($id: ID!, $afterSeq: Int!) {
      run(id: $id) {
        ...RunDetailFields
        events(afterSeq: $afterSeq, first: 100) {
          ...RunEventFields
        }
      }
    }
  `,
  [RunDetailFields, RunEventFields],
);

export const RunEvents = graphql(
  `
    subscription RunEvents($runId: ID!, $afterSeq: Int!) {
      runEvents(runId: $runId, afterSeq: $afterSeq) {
        ...RunEventFields
      }
    }
  `,
  [RunEventFields],
);
