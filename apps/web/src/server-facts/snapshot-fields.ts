import { graphql, type ResultOf } from "#graphql/graphql.ts";

/** What a server last told of itself, as the Server tab shows it; its privileges stand on the Readiness tab. */
export const SnapshotFields = graphql(`
  fragment SnapshotFields on ServerSnapshot {
    observedAt
    info {
      versionText
      inRecovery
      systemIdentifier
      valid
      invalidReasons
      dataChecksums
      walLevel
      walSegmentSizeBytes
      blockSizeBytes
      walBlockSizeBytes
      relationSegmentSizeBytes
      summarizeWal
      trackCommitTimestamp
      fips
      dataDirectory
      archiveTimeoutSeconds
      checkpointTimeoutSeconds
      startedAt
      configurationLoadedAt
      clockDifferenceMs
      timeZone
      maxWalSenders
      usedWalSenders
      maxReplicationSlots
      usedReplicationSlots
    }
    extensions {
      name
      version
      comment
    }
    tablespaces {
      oid
      name
      path
      insideDataDirectory
    }
    configurationFiles {
      purpose
      path
      insideDataDirectory
    }
    wal {
      lsn
      fileName
      fileOffset
      timeline
      at
    }
    recovery {
      receivedLsn
      replayedLsn
      replayedAt
      isPaused
      receiverStatus
      senderHost
      senderPort
      slotName
      minRecoveryLsn
      minRecoveryTimeline
    }
    archiver {
      mode
      command
      library
      isArchiving
      archivedCount
      lastArchivedWal
      lastArchivedAt
      failedCount
      lastFailedWal
      lastFailedAt
      segmentsPerSecond
      statsResetAt
    }
    slots {
      name
      kind
      database
      temporary
      active
      activePid
      restartLsn
      retainedBytes
      walStatus
      safeWalSizeBytes
      inactiveSince
      invalidationReason
      own
    }
    replication {
      pid
      kind
      user
      applicationName
      clientAddress
      startedAt
      state
      sentLsn
      flushLsn
      replayLsn
      lagBytes
      syncState
      slotName
    }
    synchronousStandbys {
      text
      method
      count
      names
    }
    unreadable {
      section
      code
      message
    }
  }
`);

export type Snapshot = ResultOf<typeof SnapshotFields>;
