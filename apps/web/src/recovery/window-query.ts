import { graphql, type ResultOf } from "#graphql/graphql.ts";

export const InstantFields = graphql(`
  fragment InstantFields on RecoveryInstant {
    timeline
    lsn
    at
  }
`);

export const WindowFields = graphql(
  `
    fragment WindowFields on RecoveryWindow {
      computedAt
      segmentCount
      segmentBytes
      lifetimes {
        systemIdentifier
        liveEdge {
          timeline
          durableLsn
          reachable
          lastCommit {
            at
            lsn
            xid
          }
        }
        timelines {
          timeline
          parent
          switchLsn
          stretches {
            from {
              ...InstantFields
            }
            to {
              ...InstantFields
            }
            backupCount
            backups {
              id
              finishedAt
              stopLsn
              label
            }
            expiresAt
          }
          gaps {
            timeline
            fromLsn
            toLsn
            cause
            before {
              ...InstantFields
            }
            after {
              ...InstantFields
            }
          }
          withoutBase {
            from {
              ...InstantFields
            }
            to {
              ...InstantFields
            }
          }
          restorePoints {
            name
            at
            lsn
            timeline
            reachable
          }
        }
      }
    }
  `,
  [InstantFields],
);

export type RecoveryWindow = ResultOf<typeof WindowFields>;
export type Lifetime = RecoveryWindow["lifetimes"][number];
export type TimelineWindow = Lifetime["timelines"][number];
export type Instant = ResultOf<typeof InstantFields>;

/** What a restore to an instant would take, and the same instant in other words. */
export const ResolveTarget = graphql(
  `
    query ResolveTarget($serverId: ID!, $target: RecoveryTargetInput!) {
      resolveRecoveryTarget(serverId: $serverId, target: $target) {
        reachable
        code
        sentence
        timeline
        walSegments
        walBytes
        notes
        backup {
          id
          finishedAt
          startedAt
        }
        through {
          ...InstantFields
        }
        commitBefore {
          at
          lsn
          xid
        }
        commitAfter {
          at
          lsn
          xid
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
  [InstantFields],
);
export type TargetAnswer = ResultOf<typeof ResolveTarget>["resolveRecoveryTarget"];
