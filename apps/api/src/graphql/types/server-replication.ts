import type { ServerSnapshotDocument } from "@tidemark/jobs";
import { builder } from "../builder.ts";
import { ReplicationClientKindEnum, SlotKindEnum } from "../enums.ts";
import { toBigInt } from "./backup-parts.ts";
import { toDateOrNull } from "./instant.ts";

type Document = ServerSnapshotDocument;

export const ReplicationSlotRef = builder
  .objectRef<NonNullable<Document["slots"]>[number]>("ReplicationSlot")
  .implement({
    description: "A replication slot: it keeps WAL on the server for a reader that may be away.",
    fields: (t) => ({
      name: t.exposeString("name", { description: "Unique on the server." }),
      kind: t.expose("kind", { type: SlotKindEnum, description: "What it is for." }),
      database: t.exposeString("database", { nullable: true, description: "Of a logical one; null: physical." }),
      temporary: t.exposeBoolean("temporary", { description: "Whether it goes with its session." }),
      active: t.exposeBoolean("active", { description: "Whether somebody reads from it now." }),
      activePid: t.exposeInt("activePid", { nullable: true, description: "Who, as a process id; null: nobody." }),
      restartLsn: t.exposeString("restartLsn", {
        nullable: true,
        description: "From here on WAL is kept; null: it keeps none.",
      }),
      confirmedFlushLsn: t.exposeString("confirmedFlushLsn", {
        nullable: true,
        description: "What a logical reader confirmed; null: physical.",
      }),
      retainedBytes: t.field({
        type: "BigInt",
        nullable: true,
        description: "How much WAL it keeps; null: none, or it cannot be told.",
        resolve: ({ retainedBytes }) => toBigInt(retainedBytes),
      }),
      walStatus: t.exposeString("walStatus", {
        nullable: true,
        description: "wal_status: `reserved`, `extended`, `unreserved`, `lost`; null: it keeps none.",
      }),
      safeWalSizeBytes: t.field({
        type: "BigInt",
        nullable: true,
        description: "How much may be written before it loses WAL; null: no limit is set.",
        resolve: ({ safeWalSizeBytes }) => toBigInt(safeWalSizeBytes),
      }),
      inactiveSince: t.field({
        type: "DateTime",
        nullable: true,
        description: "Since when nobody reads from it; null: somebody does, or before 17.",
        resolve: ({ inactiveSince }) => toDateOrNull(inactiveSince),
      }),
      invalidationReason: t.exposeString("invalidationReason", {
        nullable: true,
        description: "Why it is of no use any more; null: it is, or the version does not say.",
      }),
      own: t.exposeBoolean("own", { description: "Whether its name says that it is ours." }),
    }),
  });

export const ReplicationClientRef = builder
  .objectRef<NonNullable<Document["replication"]>[number]>("ReplicationClient")
  .implement({
    description: "Somebody who streams from a server: pg_stat_replication.",
    fields: (t) => ({
      pid: t.exposeInt("pid", { description: "The WAL sender's process id." }),
      kind: t.expose("kind", { type: ReplicationClientKindEnum, description: "Who it is, likely." }),
      user: t.exposeString("user", { nullable: true, description: "Its role; null: ours may not know." }),
      applicationName: t.exposeString("applicationName", { nullable: true, description: "Null: it gave none." }),
      clientAddress: t.exposeString("clientAddress", { nullable: true, description: "Null: a socket of the machine." }),
      startedAt: t.field({
        type: "DateTime",
        nullable: true,
        description: "Since when; null: our role may not know.",
        resolve: ({ startedAt }) => toDateOrNull(startedAt),
      }),
      state: t.exposeString("state", {
        nullable: true,
        description: "`startup`, `catchup`, `streaming`, `backup`, `stopping`; null: our role may not know.",
      }),
      sentLsn: t.exposeString("sentLsn", { nullable: true, description: "Sent so far; null: unknown." }),
      writeLsn: t.exposeString("writeLsn", { nullable: true, description: "It wrote so far; null: unknown." }),
      flushLsn: t.exposeString("flushLsn", { nullable: true, description: "It flushed so far; null: unknown." }),
      replayLsn: t.exposeString("replayLsn", { nullable: true, description: "It replayed so far; null: unknown." }),
      lagBytes: t.field({
        type: "BigInt",
        nullable: true,
        description: "How far it is behind the server; null: unknown.",
        resolve: ({ lagBytes }) => toBigInt(lagBytes),
      }),
      syncState: t.exposeString("syncState", {
        nullable: true,
        description: "`async`, `potential`, `sync`, `quorum`; null: unknown.",
      }),
      syncPriority: t.exposeInt("syncPriority", { nullable: true, description: "0: asynchronous; null: unknown." }),
      slotName: t.exposeString("slotName", { nullable: true, description: "The slot it reads from; null: none." }),
    }),
  });
