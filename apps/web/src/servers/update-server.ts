import { graphql } from "#graphql/graphql.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";

/** Changes some settings of a server, for a page that reads itself anew afterwards. */
export const UpdateServer = graphql(
  `
    mutation UpdateServer($input: UpdateServerInput!) {
      updateServer(input: $input) {
        server {
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
