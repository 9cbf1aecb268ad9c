import { graphql, type ResultOf } from "#graphql/graphql.ts";

export const CoverageFields = graphql(`
  fragment CoverageFields on VerifyCoverage {
    storedShare
    wholeShare
    storedSince
    wholeSince
  }
`);

export const BackupBytesFields = graphql(
  `
    fragment BackupBytesFields on Backup {
      id
      sizes {
        totalBytes
        newBytes
        referencedBytes
        carriedBytes
        zeroBytes
        readBytes
        sentBytes
        storedBytes
      }
      places {
        backupId
        own
        packs
        bytes
        backup {
          id
          state
          startedAt
        }
      }
      reading {
        kind
        reason
        fromBackupId
        resentFiles
        resentBytes
      }
      trust {
        round
        findings {
          path
          blocks
          older
        }
      }
      coverage {
        ...CoverageFields
      }
    }
  `,
  [CoverageFields],
);

export type BackupBytes = ResultOf<typeof BackupBytesFields>;
