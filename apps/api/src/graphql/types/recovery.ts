import type {
  BaselessStretch,
  ClusterLifetime,
  LiveEdge,
  RecoverableStretch,
  RecoveryInstant,
  TimelineWindow,
  WalGap,
  WalNeed,
  WindowCommit,
} from "@tidemark/policy";
import type { TargetAnswer } from "../../use-cases/recovery-target.ts";
import type { ServerWindow } from "../../use-cases/recovery-window.ts";
import { builder } from "../builder.ts";
import { BackupRef } from "../refs.ts";

export const RecoveryInstantRef = builder.objectRef<RecoveryInstant>("RecoveryInstant").implement({
  description: "A place in a server's history.",
  fields: (t) => ({
    timeline: t.exposeInt("timeline", { description: "Whose WAL it is in." }),
    lsn: t.expose("lsn", { type: "Lsn", description: "Where in the WAL." }),
    at: t.expose("at", {
      type: "DateTime",
      nullable: true,
      description: "By the server's clock; null: no commit was seen that tells it.",
    }),
  }),
});

const WalCommitRef = builder.objectRef<WindowCommit>("WalCommit").implement({
  description: "A transaction's commit.",
  fields: (t) => ({
    at: t.expose("at", { type: "DateTime", description: "By the server's clock." }),
    lsn: t.expose("lsn", { type: "Lsn", description: "The end of its record." }),
    xid: t.exposeFloat("xid", { description: "The transaction's id: up to 2^32, more than an Int holds." }),
  }),
});

const RecoverableStretchRef = builder.objectRef<RecoverableStretch>("RecoverableStretch").implement({
  description: "Every instant from one end to the other can be restored to.",
  fields: (t) => ({
    from: t.expose("from", { type: RecoveryInstantRef, description: "Where its first backup is consistent." }),
    to: t.expose("to", {
      type: RecoveryInstantRef,
      description: "The end of the last whole record; its time is that of the last commit.",
    }),
    backups: t.field({
      type: [BackupRef],
      description: "Backups in it, oldest first; at most the first and the last 100.",
      complexity: { field: 1, multiplier: 5 },
      resolve: async ({ backupIds }, _args, { loaders }) => {
        const shown = backupIds.length <= 200 ? backupIds : [...backupIds.slice(0, 100), ...backupIds.slice(-100)];
        const rows = await Promise.all(shown.map((id) => loaders.backup.load(id)));
        return rows.filter((row) => row !== null);
      },
    }),
    backupCount: t.int({ description: "How many backups are in it.", resolve: ({ backupIds }) => backupIds.length }),
    expiresAt: t.expose("expiresAt", {
      type: "DateTime",
      nullable: true,
      description: "When its oldest part goes by retention; null: not by time.",
    }),
  }),
});

const BaselessStretchRef = builder.objectRef<BaselessStretch>("BaselessStretch").implement({
  description: "WAL that is kept and that no backup comes before: good for nothing by itself.",
  fields: (t) => ({
    from: t.expose("from", { type: RecoveryInstantRef, description: "Its beginning." }),
    to: t.expose("to", { type: RecoveryInstantRef, description: "Its end." }),
  }),
});

const WalGapRef = builder.objectRef<WalGap>("WalGap").implement({
  description: "WAL that is missing between what is there: nothing in it can be restored to.",
  fields: (t) => ({
    timeline: t.exposeInt("timeline", {
      description: "Whose WAL is missing: the listed timeline's, or an ancestor's.",
    }),
    fromLsn: t.expose("fromLsn", { type: "Lsn", description: "The first missing byte." }),
    toLsn: t.expose("toLsn", { type: "Lsn", description: "The first byte that is there again." }),
    cause: t.exposeString("cause", { description: "Why, as far as it is known: a sentence without a full stop." }),
    before: t.expose("before", {
      type: RecoveryInstantRef,
      nullable: true,
      description: "The last instant before it that can be restored to; null: none.",
    }),
    after: t.expose("after", {
      type: RecoveryInstantRef,
      nullable: true,
      description: "The first instant after it that can be restored to; null: none yet.",
    }),
  }),
});

type RestorePoint = TimelineWindow["restorePoints"][number];
const NamedRestorePointRef = builder.objectRef<RestorePoint>("NamedRestorePoint").implement({
  description: "A place in the WAL with a name.",
  fields: (t) => ({
    name: t.exposeString("name", { description: "As it was given; need not be unique." }),
    at: t.expose("at", { type: "DateTime", description: "By the server's clock." }),
    lsn: t.expose("lsn", { type: "Lsn", description: "The end of its record." }),
    timeline: t.exposeInt("timeline", { description: "Whose WAL it is in." }),
    reachable: t.exposeBoolean("reachable", { description: "Whether one can restore to it." }),
  }),
});

const TimelineWindowRef = builder.objectRef<TimelineWindow>("TimelineWindow").implement({
  description:
    "What there is on the way to a timeline's end: its own WAL and its ancestors' up to where they were left.",
  fields: (t) => ({
    timeline: t.exposeInt("timeline", { description: "Its number." }),
    parent: t.exposeInt("parent", { nullable: true, description: "The one it branched off; null: a first one." }),
    switchLsn: t.expose("switchLsn", {
      type: "Lsn",
      nullable: true,
      description: "The first byte that is its own; null: a first one.",
    }),
    stretches: t.field({
      type: [RecoverableStretchRef],
      description: "In the order of the WAL.",
      complexity: { field: 1, multiplier: 3 },
      resolve: ({ stretches }) => [...stretches],
    }),
    gaps: t.field({
      type: [WalGapRef],
      description: "In the order of the WAL.",
      complexity: { field: 1, multiplier: 3 },
      resolve: ({ gaps }) => [...gaps],
    }),
    withoutBase: t.field({
      type: [BaselessStretchRef],
      description: "In the order of the WAL.",
      complexity: { field: 1, multiplier: 2 },
      resolve: ({ withoutBase }) => [...withoutBase],
    }),
    restorePoints: t.field({
      type: [NamedRestorePointRef],
      description: "In the order of the WAL; the last 500.",
      complexity: { field: 1, multiplier: 5 },
      resolve: ({ restorePoints }) => restorePoints.slice(-500),
    }),
  }),
});

const LiveEdgeRef = builder.objectRef<LiveEdge>("LiveEdge").implement({
  description: "The newest that is durable with us.",
  fields: (t) => ({
    timeline: t.exposeInt("timeline", { description: "Whose WAL it is in." }),
    durableLsn: t.expose("durableLsn", { type: "Lsn", description: "Up to here without a hole." }),
    lastCommit: t.expose("lastCommit", { type: WalCommitRef, nullable: true, description: "Null: none was seen." }),
    reachable: t.exposeBoolean("reachable", { description: "Whether a backup comes before it." }),
  }),
});

const ClusterLifetimeRef = builder.objectRef<ClusterLifetime>("ClusterLifetime").implement({
  description: "What was one cluster: after initdb or pg_upgrade the same server has another system identifier.",
  fields: (t) => ({
    systemIdentifier: t.string({
      description: "The cluster's own.",
      resolve: ({ systemIdentifier }) => String(systemIdentifier),
    }),
    timelines: t.field({
      type: [TimelineWindowRef],
      description: "Ascending.",
      complexity: { field: 1, multiplier: 3 },
      resolve: ({ timelines }) => [...timelines],
    }),
    liveEdge: t.expose("liveEdge", { type: LiveEdgeRef, nullable: true, description: "Null: there is no WAL of it." }),
  }),
});

export const RecoveryWindowRef = builder.objectRef<ServerWindow>("RecoveryWindow").implement({
  description: "To where a server can be restored, drawn from the continuity of its WAL.",
  fields: (t) => ({
    computedAt: t.expose("computedAt", { type: "DateTime", description: "When, by the control plane's clock." }),
    lifetimes: t.field({
      type: [ClusterLifetimeRef],
      description: "The one with the newest backup or commit first.",
      complexity: { field: 1, multiplier: 2 },
      resolve: ({ window }) => [...window.lifetimes],
    }),
    segmentCount: t.int({ description: "WAL segments in its repository.", resolve: ({ stored }) => stored.segments }),
    segmentBytes: t.field({
      type: "BigInt",
      description: "What they take there.",
      resolve: ({ stored }) => stored.bytes,
    }),
  }),
});

const WalNeedRef = builder.objectRef<WalNeed>("WalNeed").implement({
  description: "WAL of one timeline that a recovery reads.",
  fields: (t) => ({
    timeline: t.exposeInt("timeline", { description: "Whose." }),
    fromLsn: t.expose("fromLsn", { type: "Lsn", description: "The start of the first segment." }),
    toLsn: t.expose("toLsn", { type: "Lsn", description: "The end of the last one, or of what is durable of it." }),
    segmentCount: t.exposeInt("segmentCount", { description: "Whole segments." }),
  }),
});

export const RecoveryTargetAnswerRef = builder.objectRef<TargetAnswer>("RecoveryTargetAnswer").implement({
  description: "What a restore to a target would read, or why it cannot be reached.",
  fields: (t) => ({
    reachable: t.boolean({ description: "Whether one can restore to it.", resolve: ({ choice }) => choice.reachable }),
    code: t.string({
      nullable: true,
      description: "Why not: `target-unreachable`, `target-ambiguous`, `target-not-located`; null: it can be reached.",
      resolve: ({ choice }) => (choice.reachable ? null : choice.code),
    }),
    sentence: t.exposeString("sentence", { description: "The answer in words." }),
    backup: t.field({
      type: BackupRef,
      nullable: true,
      description: "It would begin with this one; null: it cannot be reached.",
      resolve: ({ choice }, _args, { loaders }) => (choice.reachable ? loaders.backup.load(choice.backupId) : null),
    }),
    timeline: t.int({
      nullable: true,
      description: "It would follow this one.",
      resolve: ({ choice }) => (choice.reachable ? choice.timeline : null),
    }),
    through: t.field({
      type: RecoveryInstantRef,
      nullable: true,
      description: "The end of the WAL it needs.",
      resolve: ({ choice }) => (choice.reachable ? choice.through : null),
    }),
    wal: t.field({
      type: [WalNeedRef],
      description: "In the order in which it is read; empty: the backup holds all it needs.",
      resolve: ({ choice }) => (choice.reachable ? [...choice.wal] : []),
    }),
    walSegments: t.exposeInt("walSegments", { description: "Whole segments in all." }),
    walBytes: t.expose("walBytes", { type: "BigInt", description: "Of WAL, before compression." }),
    commitBefore: t.field({
      type: WalCommitRef,
      nullable: true,
      description:
        "The last known commit that is there then: the first and last of each segment are known. Null: none.",
      resolve: ({ commits }) => commits.before,
    }),
    commitAfter: t.field({
      type: WalCommitRef,
      nullable: true,
      description: "The first known commit that is not there; null: none is known.",
      resolve: ({ commits }) => commits.after,
    }),
    notes: t.stringList({
      description: "What one should know.",
      resolve: ({ choice }) => (choice.reachable ? [...choice.notes] : []),
    }),
    lastReachable: t.field({
      type: RecoveryInstantRef,
      nullable: true,
      description: "The last instant before the target that can be reached; null: none, or the target can.",
      resolve: ({ choice }) => (choice.reachable ? null : choice.lastReachable),
    }),
    nextReachable: t.field({
      type: RecoveryInstantRef,
      nullable: true,
      description: "The first instant after it that can be reached; null: none, or the target can.",
      resolve: ({ choice }) => (choice.reachable ? null : choice.nextReachable),
    }),
    candidates: t.field({
      type: [RecoveryInstantRef],
      description: "Places of an ambiguous name.",
      resolve: ({ choice }) => (choice.reachable ? [] : [...choice.candidates]),
    }),
  }),
});
