import { ServerCheckFields } from "#checks/check-fields.ts";
import { RemedyFields } from "#findings/remedy-fields.ts";
import { graphql } from "#graphql/graphql.ts";
import { PrivilegesFields } from "#privileges/privileges-fields.ts";

export const ConnectionReportFields = graphql(
  `
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
          ...RemedyFields
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
      checks {
        ...ServerCheckFields
      }
      privileges {
        ...PrivilegesFields
      }
    }
  `,
  [RemedyFields, ServerCheckFields, PrivilegesFields],
);
