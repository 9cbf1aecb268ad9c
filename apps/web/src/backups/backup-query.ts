import { graphql, type ResultOf } from "#graphql/graphql.ts";
import { BackupBytesFields } from "./backup-bytes-fields.ts";
import { BackupRowFields } from "./backup-row-fields.ts";
import { ProofFields, VerificationFields } from "./proof-fields.ts";

export const BackupDetailFields = graphql(
  `
    fragment BackupDetailFields on Backup {
      ...BackupRowFields
      ...BackupBytesFields
      damageDetail
      startLsn
      stopLsn
      timeline
      serverVersion
      systemIdentifier
      checksumsEnabled
      fromStandby
      fileCount
      readBytes
      referencedBytes
      walStart
      walEnd
      notes
      deletedAt
      deletedReason
      server {
        id
        name
      }
      repository {
        id
        name
      }
      run {
        id
        state
      }
      tablespaces {
        oid
        path
        sizeBytes
      }
      suspectPages {
        path
        blocks
      }
      verification {
        ...VerificationFields
      }
      proof {
        ...ProofFields
      }
      hold {
        by
        at
        reason
      }
      files {
        classes {
          label
          count
          bytes
        }
        largest {
          path
          bytes
        }
      }
      error {
        code
        message
        hint
      }
    }
  `,
  [BackupRowFields, BackupBytesFields, ProofFields, VerificationFields],
);

export type BackupDetail = ResultOf<typeof BackupDetailFields>;

export const BackupOfPage = graphql(
  `
    query BackupOfPage($id: ID!) {
      backup(id: $id) {
        ...BackupDetailFields
      }
    }
  `,
  [BackupDetailFields],
);
