import type { ServerSnapshotDocument } from "@tidemark/jobs";
import { builder } from "../builder.ts";
import { ConfigurationPurposeEnum, SynchronousMethodEnum } from "../enums.ts";
import { PrivilegesRef, ServerSnapshotRef } from "../refs.ts";
import { toDate } from "./instant.ts";
import { ServerInfoRef } from "./server-info.ts";
import { ReplicationClientRef, ReplicationSlotRef } from "./server-replication.ts";
import { ArchiverFactsRef, RecoveryFactsRef, WalPositionRef } from "./server-wal.ts";

type Document = ServerSnapshotDocument;

const ServerExtensionRef = builder.objectRef<Document["extensions"][number]>("ServerExtension").implement({
  description: "An extension of the database we log in to.",
  fields: (t) => ({
    name: t.exposeString("name", { description: "Its name." }),
    version: t.exposeString("version", { description: "The version that is installed." }),
    comment: t.exposeString("comment", { nullable: true, description: "What it says of itself; null: nothing." }),
  }),
});

/** Null says that the answer would take a right the role lacks. */
const insideText = "Whether it lies inside the data directory; null: the role may not know where that is.";

const ServerTablespaceRef = builder.objectRef<Document["tablespaces"][number]>("ServerTablespace").implement({
  description: "A tablespace besides the default ones.",
  fields: (t) => ({
    oid: t.exposeFloat("oid", { description: "The server's number for it: a whole number below 2^32." }),
    name: t.exposeString("name", { description: "Its name." }),
    path: t.exposeString("path", { description: "Where it is on the server's machine." }),
    insideDataDirectory: t.exposeBoolean("insideDataDirectory", { nullable: true, description: insideText }),
  }),
});

const ConfigurationFileRef = builder
  .objectRef<NonNullable<Document["configurationFiles"]>[number]>("ConfigurationFile")
  .implement({
    description: "A file the server is configured by.",
    fields: (t) => ({
      purpose: t.expose("purpose", { type: ConfigurationPurposeEnum, description: "What it holds." }),
      path: t.exposeString("path", { description: "Where it is on the server's machine." }),
      insideDataDirectory: t.exposeBoolean("insideDataDirectory", { nullable: true, description: insideText }),
    }),
  });

const SynchronousStandbysRef = builder.objectRef<Document["synchronousStandbys"]>("SynchronousStandbys").implement({
  description: "For whom commits wait: synchronous_standby_names, read as PostgreSQL reads it.",
  fields: (t) => ({
    text: t.exposeString("text", { description: "The setting." }),
    method: t.expose("method", { type: SynchronousMethodEnum, description: "How it chooses." }),
    count: t.exposeInt("count", { description: "How many must confirm; 0: none." }),
    names: t.stringList({ description: "In the order given; `*` is any.", resolve: ({ names }) => [...names] }),
  }),
});

const UnreadableSectionRef = builder.objectRef<Document["unreadable"][number]>("UnreadableSection").implement({
  description: "A part of the snapshot that this role may not read, or this server does not have.",
  fields: (t) => ({
    section: t.exposeString("section", { description: "The snapshot's field." }),
    code: t.exposeString("code", { description: "Why, as a stable code." }),
    message: t.exposeString("message", { description: "Why, in words." }),
  }),
});

const nullWhenUnread = "Null when it could not be read; `unreadable` says why.";

ServerSnapshotRef.implement({
  description: "What a server told of itself when it was last inspected.",
  fields: (t) => ({
    observedAt: t.field({
      type: "DateTime",
      description: "When it was asked.",
      resolve: ({ observedAt }) => toDate(observedAt),
    }),
    info: t.field({ type: ServerInfoRef, description: "The server itself.", resolve: ({ info }) => info }),
    extensions: t.field({
      type: [ServerExtensionRef],
      description: "By name.",
      complexity: { field: 1, multiplier: 10 },
      resolve: ({ extensions }) => extensions,
    }),
    tablespaces: t.field({
      type: [ServerTablespaceRef],
      description: "Besides the default ones.",
      complexity: { field: 1, multiplier: 5 },
      resolve: ({ tablespaces }) => tablespaces,
    }),
    configurationFiles: t.field({
      type: [ConfigurationFileRef],
      nullable: true,
      description: nullWhenUnread,
      complexity: { field: 1, multiplier: 5 },
      resolve: ({ configurationFiles }) => configurationFiles,
    }),
    wal: t.expose("wal", { type: WalPositionRef, nullable: true, description: `Where its WAL is. ${nullWhenUnread}` }),
    recovery: t.expose("recovery", {
      type: RecoveryFactsRef,
      nullable: true,
      description: "How recovery goes on; null on a primary.",
    }),
    archiver: t.expose("archiver", {
      type: ArchiverFactsRef,
      nullable: true,
      description: `How archive_command fares. ${nullWhenUnread}`,
    }),
    slots: t.field({
      type: [ReplicationSlotRef],
      nullable: true,
      description: `All of them. ${nullWhenUnread}`,
      complexity: { field: 1, multiplier: 10 },
      resolve: ({ slots }) => slots,
    }),
    replication: t.field({
      type: [ReplicationClientRef],
      nullable: true,
      description: `Who streams from it. ${nullWhenUnread}`,
      complexity: { field: 1, multiplier: 10 },
      resolve: ({ replication }) => replication,
    }),
    synchronousStandbys: t.field({
      type: SynchronousStandbysRef,
      description: "For whom commits wait.",
      resolve: ({ synchronousStandbys }) => synchronousStandbys,
    }),
    privileges: t.field({
      type: PrivilegesRef,
      description: "What our role may do.",
      resolve: ({ privileges }) => privileges,
    }),
    unreadable: t.field({
      type: [UnreadableSectionRef],
      description: "What could not be read.",
      complexity: { field: 1, multiplier: 5 },
      resolve: ({ unreadable }) => unreadable,
    }),
  }),
});
