import { graphql, type ResultOf } from "#graphql/graphql.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";

export const CloneFields = graphql(`
  fragment CloneFields on Clone {
    id
    state
    target
    reachedLsn
    reachedAt
    promoted
    hostname
    host
    port
    userName
    sizeBytes
    createdBy
    createdAt
    expiresAt
    endedAt
    backup {
      id
      startedAt
      finishedAt
    }
    error {
      code
      message
      hint
    }
  }
`);
export type Clone = ResultOf<typeof CloneFields>;

export const CreateClone = graphql(
  `
    mutation CreateClone($input: CreateCloneInput!) {
      createClone(input: $input) {
        run {
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

export const MoveClone = graphql(
  `
    mutation MoveClone($input: MoveCloneInput!) {
      moveClone(input: $input) {
        run {
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

export const PromoteClone = graphql(
  `
    mutation PromoteClone($input: PromoteCloneInput!) {
      promoteClone(input: $input) {
        run {
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

export const EndClone = graphql(
  `
    mutation EndClone($input: EndCloneInput!) {
      endClone(input: $input) {
        run {
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

export const ExtendClone = graphql(
  `
    mutation ExtendClone($input: ExtendCloneInput!) {
      extendClone(input: $input) {
        clone {
          id
          expiresAt
        }
        userErrors {
          ...UserErrorFields
        }
      }
    }
  `,
  [UserErrorFields],
);

export const ExtractFromClone = graphql(
  `
    mutation ExtractFromClone($input: ExtractFromCloneInput!) {
      extractFromClone(input: $input) {
        run {
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

export const RevealCloneConnection = graphql(
  `
    mutation RevealCloneConnection($input: RevealCloneConnectionInput!) {
      revealCloneConnection(input: $input) {
        run {
          id
        }
        downloadToken
        userErrors {
          ...UserErrorFields
        }
      }
    }
  `,
  [UserErrorFields],
);
