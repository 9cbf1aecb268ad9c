import { graphql } from "#graphql/graphql.ts";
import { OfflineFields } from "#offline/offline-fields.ts";
import { RunRowFields } from "#runs/run-fields.ts";
import { ProtectionFields } from "./protection-badge.tsx";

export const ServerRowFields = graphql(
  `
    fragment ServerRowFields on Server {
      id
      name
      connection
      serverVersion
      isDemo
      sizeBytes
      nextBackupAt
      offline {
        ...OfflineFields
      }
      wal {
        mode
        rpoSeconds
        rpoSentence
      }
      protection {
        ...ProtectionFields
      }
      lastBackup {
        id
        state
        startedAt
        finishedAt
      }
      lastProven {
        id
        provenAt
      }
      runningRun {
        ...RunRowFields
      }
    }
  `,
  [ProtectionFields, RunRowFields, OfflineFields],
);
