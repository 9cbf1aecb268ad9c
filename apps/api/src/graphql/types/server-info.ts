import type { ServerSnapshotDocument } from "@tidemark/jobs";
import { builder } from "../builder.ts";
import { toDate } from "./instant.ts";

export const ServerInfoRef = builder.objectRef<ServerSnapshotDocument["info"]>("ServerInfo").implement({
  description: "What a server is and how it is set up, in the units it uses.",
  fields: (t) => ({
    versionText: t.exposeString("versionText", { description: "As the server prints it." }),
    versionNum: t.exposeInt("versionNum", { description: "server_version_num, for example 170004." }),
    major: t.exposeInt("major", { description: "13 to 18." }),
    inRecovery: t.exposeBoolean("inRecovery", { description: "Whether it is a standby." }),
    systemIdentifier: t.exposeString("systemIdentifier", {
      nullable: true,
      description: "The cluster's own; null when the role may not ask.",
    }),
    valid: t.exposeBoolean("valid", { description: "Whether it is a server that can be kept restorable at all." }),
    invalidReasons: t.stringList({
      description: "Why it is not; empty when it is.",
      resolve: ({ invalidReasons }) => [...invalidReasons],
    }),
    dataChecksums: t.exposeBoolean("dataChecksums", { description: "Whether pages carry checksums." }),
    walLevel: t.exposeString("walLevel", { description: "wal_level." }),
    walSegmentSizeBytes: t.exposeInt("walSegmentSizeBytes", { description: "Bytes of a WAL segment." }),
    blockSizeBytes: t.exposeInt("blockSizeBytes", { description: "Bytes of a page of data." }),
    walBlockSizeBytes: t.exposeInt("walBlockSizeBytes", { description: "Bytes of a page of WAL." }),
    relationSegmentSizeBytes: t.exposeFloat("relationSegmentSizeBytes", {
      description: "Bytes after which a relation goes on in another file; a whole number.",
    }),
    summarizeWal: t.exposeBoolean("summarizeWal", {
      nullable: true,
      description: "summarize_wal; null before 17, which lacks it.",
    }),
    trackCommitTimestamp: t.exposeBoolean("trackCommitTimestamp", { description: "track_commit_timestamp." }),
    fips: t.exposeBoolean("fips", {
      nullable: true,
      description: "Whether its OpenSSL is in FIPS mode; null where that cannot be asked.",
    }),
    dataDirectory: t.exposeString("dataDirectory", {
      nullable: true,
      description: "Where its data is; null when the role may not know.",
    }),
    archiveTimeoutSeconds: t.exposeInt("archiveTimeoutSeconds", { description: "archive_timeout; 0: off." }),
    checkpointTimeoutSeconds: t.exposeInt("checkpointTimeoutSeconds", { description: "checkpoint_timeout." }),
    timeZone: t.exposeString("timeZone", {
      nullable: true,
      description: "log_timezone: the zone its log and its backup labels are written in. Null: not asked yet.",
    }),
    startedAt: t.field({
      type: "DateTime",
      description: "When it was started.",
      resolve: ({ startedAt }) => toDate(startedAt),
    }),
    configurationLoadedAt: t.field({
      type: "DateTime",
      description: "When it last read its configuration.",
      resolve: ({ configurationLoadedAt }) => toDate(configurationLoadedAt),
    }),
    clockDifferenceMs: t.exposeFloat("clockDifferenceMs", {
      description: "Its clock less the worker's, in milliseconds.",
    }),
    maxWalSenders: t.exposeInt("maxWalSenders", { description: "max_wal_senders." }),
    usedWalSenders: t.exposeInt("usedWalSenders", { description: "How many of them are in use." }),
    maxReplicationSlots: t.exposeInt("maxReplicationSlots", { description: "max_replication_slots." }),
    usedReplicationSlots: t.exposeInt("usedReplicationSlots", { description: "How many of them are taken." }),
  }),
});
