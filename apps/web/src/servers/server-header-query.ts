import { cache } from "react";
import { graphql } from "#graphql/graphql.ts";
import { load } from "#lib/server-query.ts";
import { OfflineFields } from "#offline/offline-fields.ts";
import { ProtectionFields } from "./protection-badge.tsx";
import { serverVariables } from "./server-key.ts";

const ServerHeader = graphql(
  `
    query ServerHeader($id: ID, $name: String) {
      server(id: $id, name: $name) {
        id
        name
        connection
        isDemo
        backupMethod
        offline {
          ...OfflineFields
        }
        members {
          name
        }
        serverVersion
        timeZone
        protection {
          ...ProtectionFields
        }
        runningRun {
          id
          kind
        }
        backups(states: [RESTORABLE], first: 1) {
          totalCount
        }
      }
    }
  `,
  [ProtectionFields, OfflineFields],
);

/** The server of an address; asked for once per page, by the title and the frame alike. */
export const loadServerHeader = cache((key: string) => load(ServerHeader, serverVariables(key)));
