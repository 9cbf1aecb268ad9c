import { graphql, type ResultOf } from "#graphql/graphql.ts";
import { InstantFields } from "#recovery/window-query.ts";

export const WalFields = graphql(`
  fragment WalFields on ServerWal {
    mode
    synchronous
    rpoKind
    rpoSeconds
    rpoSentence
    receiver {
      state
      stateSince
      workerId
      timeline
      receivedLsn
      flushedLsn
      serverLsn
      lagBytes
      lastCommitAt
      lastMessageAt
      reconnects
      error {
        code
        message
        hint
      }
      updatedAt
    }
    slot {
      name
      walStatus
      retainedBytes
      safeBytes
      walBytesPerSecond
      fullAt
      observedAt
    }
  }
`);
export type Wal = ResultOf<typeof WalFields>;

export const WindowGapFields = graphql(
  `
    fragment WindowGapFields on RecoveryWindow {
      segmentCount
      segmentBytes
      lifetimes {
        systemIdentifier
        timelines {
          timeline
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
        }
      }
    }
  `,
  [InstantFields],
);
export type WindowGaps = ResultOf<typeof WindowGapFields>;
