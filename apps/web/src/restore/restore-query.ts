import { graphql, type ResultOf } from "#graphql/graphql.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { InstantFields } from "#recovery/window-query.ts";

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
        timeZone
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

/** What a restore to a target would take, with what the next step asks about its backup. */
export const ResolveForRestore = graphql(
  `
    query ResolveForRestore($serverId: ID!, $target: RecoveryTargetInput!) {
      resolveRecoveryTarget(serverId: $serverId, target: $target) {
        reachable
        code
        sentence
        timeline
        walSegments
        walBytes
        notes
        backup {
          ...RestoreChoiceFields
        }
        through {
          ...InstantFields
        }
        lastReachable {
          ...InstantFields
        }
        nextReachable {
          ...InstantFields
        }
      }
    }
  `,
  [RestoreChoiceFields, InstantFields],
);
export type RestoreAnswer = ResultOf<typeof ResolveForRestore>["resolveRecoveryTarget"];

export const PlanRestore = graphql(
  `
    mutation PlanRestore($input: PlanRestoreInput!) {
      planRestore(input: $input) {
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

export const RunRestore = graphql(
  `
    mutation RunRestore($input: RunRestoreInput!) {
      runRestore(input: $input) {
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
