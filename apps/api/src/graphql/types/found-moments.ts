import type { FindMomentResult } from "@tidemark/jobs";
import { parseLsn } from "../../lsn-text.ts";
import { builder } from "../builder.ts";
import { MomentChangeKindEnum } from "../enums.ts";
import { BackupRef, FoundMomentsRef } from "../refs.ts";
import { toBigInt } from "./backup-parts.ts";

type FoundMoment = FindMomentResult["moments"][number];

const MomentChangeRef = builder.objectRef<FoundMoment["changes"][number]>("MomentChange").implement({
  description: "What a transaction did to one table.",
  fields: (t) => ({
    kind: t.expose("kind", { type: MomentChangeKindEnum, description: "What." }),
    schema: t.exposeString("schema", { nullable: true, description: "Of the table; null for a dropped database." }),
    table: t.exposeString("name", {
      nullable: true,
      description: "As it was called then; null for a dropped database.",
    }),
    rows: t.exposeFloat("rows", { nullable: true, description: "Null where the WAL does not count them." }),
  }),
});

const FoundMomentRef = builder.objectRef<FoundMoment>("FoundMoment").implement({
  description: "A transaction that took rows or tables away. To restore to just before it: XID, not inclusive.",
  fields: (t) => ({
    xid: t.string({ description: "Its number, as decimal text.", resolve: ({ xid }) => String(xid) }),
    commitAt: t.field({
      type: "DateTime",
      description: "By the server's clock.",
      resolve: ({ commitAt }) => new Date(commitAt),
    }),
    commitLsn: t.field({
      type: "Lsn",
      description: "The end of its commit record.",
      resolve: ({ commitLsn }) => parseLsn(commitLsn) ?? 0n,
    }),
    timeline: t.exposeInt("timeline", { description: "To restore on." }),
    restorable: t.exposeBoolean("restorable", {
      description: "False: it was committed while the first backup was being taken, and nothing before that is there.",
    }),
    changes: t.field({
      type: [MomentChangeRef],
      description: "The gravest first.",
      complexity: { field: 1, multiplier: 5 },
      resolve: ({ changes }) => changes,
    }),
  }),
});

FoundMomentsRef.implement({
  description: "What a search of the WAL found.",
  fields: (t) => ({
    moments: t.field({
      type: [FoundMomentRef],
      description: "In the order of their commits.",
      complexity: { field: 1, multiplier: 20 },
      resolve: ({ moments }) => moments,
    }),
    limits: t.stringList({
      description: "Why there may be more than was found, as sentences; empty: the search was whole.",
      complexity: { field: 1, multiplier: 5 },
      resolve: ({ limits }) => [...limits],
    }),
    backups: t.field({
      type: [BackupRef],
      description: "Those from which the names of tables were read and followed; without those that are gone.",
      complexity: { field: 1, multiplier: 2 },
      resolve: async ({ backupIds }, _args, { loaders }) =>
        (await Promise.all(backupIds.map((id) => loaders.backup.load(id)))).filter((backup) => backup !== null),
    }),
    earlierCluster: t.exposeBoolean("earlierCluster", {
      description: "It was in a cluster before the server's present one: restore to a time, not to a transaction.",
    }),
    readBytes: t.field({
      type: "BigInt",
      description: "WAL that was read, before compression.",
      resolve: ({ readBytes }) => toBigInt(readBytes) ?? 0n,
    }),
    transactions: t.exposeFloat("transactions", { description: "That ended in it." }),
    readUntil: t.field({
      type: "DateTime",
      nullable: true,
      description: "The last commit that was read; null: there was none.",
      resolve: ({ readUntil }) => (readUntil === null ? null : new Date(readUntil)),
    }),
  }),
});
