import { graphql } from "#graphql/graphql.ts";

const WalTotalsFields = graphql(`
  fragment WalTotalsFields on WalTotals {
    segments
    storedBytes
    ranges {
      systemIdentifier
      timeline
      fromLsn
      toLsn
      segments
      storedBytes
      reason
    }
  }
`);

export const WalPreviewFields = graphql(
  `
  fragment WalPreviewFields on WalPreview {
    sentence
    removed {
      ...WalTotalsFields
    }
    kept {
      ...WalTotalsFields
    }
  }
`,
  [WalTotalsFields],
);

export const RetentionPreviewFields = graphql(
  `
  fragment RetentionPreviewFields on RetentionPreview {
    planHash
    sentence
    freedBytesAtLeast
    kept {
      reasons
      backup {
        id
        startedAt
        sizeBytes
      }
    }
    deleted {
      reasons
      backup {
        id
        startedAt
        sizeBytes
      }
    }
    wal {
      ...WalPreviewFields
    }
    copies {
      sentence
      wal {
        ...WalPreviewFields
      }
    }
  }
`,
  [WalPreviewFields],
);
