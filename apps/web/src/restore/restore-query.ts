import { graphql, type ResultOf } from "#graphql/graphql.ts";

export const RestoreChoiceFields = graphql(`
  fragment RestoreChoiceFields on Backup {
    id
    label
    startedAt
    finishedAt
    sizeBytes
    damaged
    verifiedAt
    provenAt
    proof {
      ok
      outcome
    }
    tablespaces {
      oid
      path
    }
  }
`);

export type RestoreChoice = ResultOf<typeof RestoreChoiceFields>;

export const RestorePage = graphql(
  `
    query RestorePage($id: ID, $name: String) {
      server(id: $id, name: $name) {
        id
        name
        backups(states: [RESTORABLE], first: 100) {
          totalCount
          nodes {
            ...RestoreChoiceFields
          }
        }
      }
      system {
        restoreRoots
      }
    }
  `,
  [RestoreChoiceFields],
);

export const PlanRestore = graphql(`
  mutation PlanRestore($input: PlanRestoreInput!) {
    planRestore(input: $input) {
      run {
        id
      }
      userErrors {
        code
        field
        message
        hint
      }
    }
  }
`);

export const RunRestore = graphql(`
  mutation RunRestore($input: RunRestoreInput!) {
    runRestore(input: $input) {
      run {
        id
      }
      userErrors {
        code
        field
        message
        hint
      }
    }
  }
`);
