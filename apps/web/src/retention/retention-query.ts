import { graphql } from "#graphql/graphql.ts";
import { RetentionPreviewFields } from "./retention-preview-fields.ts";

/** Without a policy: what the server's own would do. */
export const PreviewRetention = graphql(
  `
    query PreviewRetention($serverId: ID!, $policy: RetentionInput) {
      previewRetention(serverId: $serverId, policy: $policy) {
        ...RetentionPreviewFields
      }
    }
  `,
  [RetentionPreviewFields],
);
