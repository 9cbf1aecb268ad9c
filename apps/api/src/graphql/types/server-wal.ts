import type { ServerSnapshotDocument } from "@tidemark/jobs";
import { builder } from "../builder.ts";
import { ArchiveModeEnum } from "../enums.ts";
import { toDate, toDateOrNull } from "./instant.ts";

type Document = ServerSnapshotDocument;

export const WalPositionRef = builder.objectRef<NonNullable<Document["wal"]>>("WalPosition").implement({
  description: "Where a server's WAL is.",
  fields: (t) => ({
    lsn: t.exposeString("lsn", { description: "Written so far; on a standby: replayed." }),
    fileName: t.exposeString("fileName", {
      nullable: true,
      description: "The segment it is in, on a boundary the one that was just filled; null on a standby.",
    }),
    fileOffset: t.exposeInt("fileOffset", { nullable: true, description: "Bytes into it; null on a standby." }),
    timeline: t.exposeInt("timeline", { nullable: true, description: "Null when it could not be told." }),
    at: t.field({ type: "DateTime", description: "When, by the server's clock.", resolve: ({ at }) => toDate(at) }),
  }),
});

export const RecoveryFactsRef = builder.objectRef<NonNullable<Document["recovery"]>>("RecoveryFacts").implement({
  description: "How a standby's recovery goes on.",
  fields: (t) => ({
    receivedLsn: t.exposeString("receivedLsn", { nullable: true, description: "Received and flushed; null: none." }),
    replayedLsn: t.exposeString("replayedLsn", { nullable: true, description: "Replayed; null: nothing yet." }),
    replayedAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "Commit time of the last transaction that was replayed; null: none yet.",
      resolve: ({ replayedAt }) => toDateOrNull(replayedAt),
    }),
    isPaused: t.exposeBoolean("isPaused", { description: "Whether somebody paused it." }),
    receiverStatus: t.exposeString("receiverStatus", {
      nullable: true,
      description: "Of its WAL receiver; null: none runs, or the role may not know.",
    }),
    senderHost: t.exposeString("senderHost", { nullable: true, description: "Whom it streams from; null: unknown." }),
    senderPort: t.exposeInt("senderPort", { nullable: true, description: "Its port; null: unknown." }),
    slotName: t.exposeString("slotName", { nullable: true, description: "The slot it uses there; null: none." }),
    minRecoveryLsn: t.exposeString("minRecoveryLsn", {
      nullable: true,
      description: "Up to here it must replay to be consistent; null: the role may not know.",
    }),
    minRecoveryTimeline: t.exposeInt("minRecoveryTimeline", {
      nullable: true,
      description: "That place's timeline; null: the role may not know.",
    }),
  }),
});

export const ArchiverFactsRef = builder.objectRef<NonNullable<Document["archiver"]>>("ArchiverFacts").implement({
  description: "How a server's own archiving fares: pg_stat_archiver.",
  fields: (t) => ({
    mode: t.expose("mode", { type: ArchiveModeEnum, description: "archive_mode." }),
    command: t.exposeString("command", {
      nullable: true,
      description: "archive_command; null: none, or the role may not see it.",
    }),
    library: t.exposeString("library", { nullable: true, description: "archive_library; null: none, or before 15." }),
    isArchiving: t.exposeBoolean("isArchiving", {
      description: "Whether it archives and its last try succeeded.",
    }),
    archivedCount: t.exposeString("archivedCount", { description: "Segments archived, as decimal text." }),
    lastArchivedWal: t.exposeString("lastArchivedWal", { nullable: true, description: "Null: none yet." }),
    lastArchivedAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "Null: none yet.",
      resolve: ({ lastArchivedAt }) => toDateOrNull(lastArchivedAt),
    }),
    failedCount: t.exposeString("failedCount", { description: "Tries that failed, as decimal text." }),
    lastFailedWal: t.exposeString("lastFailedWal", { nullable: true, description: "Null: none failed." }),
    lastFailedAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "Null: none failed.",
      resolve: ({ lastFailedAt }) => toDateOrNull(lastFailedAt),
    }),
    segmentsPerSecond: t.exposeFloat("segmentsPerSecond", {
      nullable: true,
      description: "Since the statistics began; null: nothing was archived yet.",
    }),
    statsResetAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "When the statistics began; null: the server does not say.",
      resolve: ({ statsResetAt }) => toDateOrNull(statsResetAt),
    }),
  }),
});
