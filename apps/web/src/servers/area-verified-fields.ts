import { graphql } from "#graphql/graphql.ts";

/** How much of what is stored of a server is verified, in each repository. */
export const AreaVerifiedFields = graphql(`
  fragment AreaVerifiedFields on Server {
    verifications {
      repository {
        id
      }
      late
      sentence
    }
    walCoverage {
      repository {
        id
      }
      segments
      verifiedSegments
      damagedSegments
      since
    }
  }
`);
