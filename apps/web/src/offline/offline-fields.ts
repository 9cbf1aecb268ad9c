import { graphql } from "#graphql/graphql.ts";

export const OfflineFields = graphql(`
  fragment OfflineFields on OfflinePeriod {
    id
    since
    by
    reason
  }
`);

/** Said by each control that is blocked meanwhile. */
export function offlineReason(offline: { readonly reason: string } | null): string | null {
  return offline === null ? null : `The server is set offline: ${offline.reason}`;
}
