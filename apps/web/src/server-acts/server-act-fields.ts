import { graphql, type ResultOf } from "#graphql/graphql.ts";

/** What became of a server act, by its kind. */
export const ServerActFields = graphql(`
  fragment ServerActFields on ServerActResult {
    __typename
    ... on WalSwitched {
      closedFile
      lsn
      sentence
    }
    ... on CheckpointDone {
      lsn
      timeline
      sentence
    }
    ... on RestorePointCreated {
      name
      lsn
      sentence
    }
    ... on SlotCreated {
      name
      restartLsn
      sentence
    }
    ... on SlotDropPlan {
      planHash
      name
      active
      client
      retainedBytes
      own
      consequences
    }
    ... on SlotDropped {
      name
      sentence
    }
    ... on SettingsRead {
      settings {
        name
        value
        unit
        source
        pendingRestart
      }
      missing
    }
    ... on FileStat {
      path
      sizeBytes
      isDirectory
      accessedAt
      modifiedAt
      changedAt
      createdAt
    }
    ... on FileChunk {
      path
      offset
      lengthBytes
      atEnd
    }
  }
`);

export type ServerActResult = ResultOf<typeof ServerActFields>;
export type SlotDropPlan = Extract<ServerActResult, { readonly __typename: "SlotDropPlan" }>;
