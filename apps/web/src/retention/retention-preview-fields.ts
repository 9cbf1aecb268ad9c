import { graphql } from "#graphql/graphql.ts";

export const RetentionPreviewFields = graphql(`
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
    copies {
      sentence
    }
  }
`);
