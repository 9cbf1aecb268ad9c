import { describeRetention, describeTargets } from "@tidemark/policy";
import type { CopyRetention, RetentionDecision } from "../../use-cases/retention-plan.ts";
import type { ForecastBackup, ForecastDeletion, RetentionForecast } from "../../use-cases/simulate-retention.ts";
import type { WalPreview, WalRangeDecision, WalTotals } from "../../use-cases/wal-preview.ts";
import { builder } from "../builder.ts";
import { BackupRef, NodeRef, PolicyRef, RetentionPreviewRef } from "../refs.ts";

PolicyRef.implement({
  description: "Which backups are kept, and what is promised beside.",
  interfaces: [NodeRef],
  isTypeOf: (value) => (value as { id: string }).id.startsWith("pol_"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "`pol_…`" }),
    name: t.exposeString("name", { description: "Unique." }),
    keepLast: t.exposeInt("keepLast", {
      nullable: true,
      description: "Keep the newest n; null: this rule keeps nothing.",
    }),
    windowDays: t.exposeInt("windowDays", {
      nullable: true,
      description: "Keep all that the last n days need; null: this rule keeps nothing.",
    }),
    daily: t.exposeInt("daily", {
      nullable: true,
      description: "Keep the newest of each of the newest n days that have one; null: this rule keeps nothing.",
    }),
    weekly: t.exposeInt("weekly", { nullable: true, description: "The same by weeks, which begin on Monday." }),
    monthly: t.exposeInt("monthly", { nullable: true, description: "The same by months." }),
    yearly: t.exposeInt("yearly", { nullable: true, description: "The same by years." }),
    timeZone: t.exposeString("timeZone", { description: "Where days begin; an IANA name." }),
    minimum: t.exposeInt("minimum", { description: "Never fewer usable ones." }),
    sentence: t.string({ description: "The rules in words.", resolve: (policy) => describeRetention(policy) }),
    rpoTargetSeconds: t.exposeInt("rpoTargetSeconds", {
      nullable: true,
      description:
        "Seconds of commits that may be lost at most; null: a minute where WAL is streamed, else nothing; 0: no target.",
    }),
    rtoTargetSeconds: t.exposeInt("rtoTargetSeconds", {
      nullable: true,
      description:
        "Seconds a restore may take at most, as the last proven drill measured it; null: nothing is promised.",
    }),
    proofDays: t.exposeInt("proofDays", {
      nullable: true,
      description: "Days for which a proof by a drill counts; null: 31; 0: for ever.",
    }),
    verifyDays: t.exposeInt("verifyDays", {
      nullable: true,
      description: "Days within which everything stored is verified by itself, a part each day; null: not by itself.",
    }),
    targetsSentence: t.string({
      nullable: true,
      description: "The targets in words; null: it names none.",
      resolve: (policy) => describeTargets(policy),
    }),
    version: t.exposeInt("version", { description: "Counts changes; see UpdatePolicyInput.expectedVersion." }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was made." }),
  }),
});

const RetentionDecisionRef = builder.objectRef<RetentionDecision>("RetentionDecision").implement({
  description: "What becomes of one backup, and why.",
  fields: (t) => ({
    backup: t.field({ type: BackupRef, description: "Which.", resolve: (decision) => decision.backup }),
    reasons: t.stringList({ description: "Sentences.", resolve: (decision) => [...decision.reasons] }),
  }),
});

const WalRangeDecisionRef = builder.objectRef<WalRangeDecision>("WalRangeDecision").implement({
  description: "A run of WAL segments of one timeline that stay, or go, for one reason.",
  fields: (t) => ({
    systemIdentifier: t.exposeString("systemIdentifier", { description: "Of the cluster that wrote it." }),
    timeline: t.exposeInt("timeline", { description: "Its timeline." }),
    fromLsn: t.expose("fromLsn", { type: "Lsn", description: "Where it begins." }),
    toLsn: t.expose("toLsn", { type: "Lsn", description: "Where it ends." }),
    segments: t.exposeInt("segments", { description: "How many." }),
    storedBytes: t.expose("storedBytes", { type: "BigInt", description: "What they take in the repository." }),
    reason: t.exposeString("reason", { description: "A sentence." }),
  }),
});

const WalTotalsRef = builder.objectRef<WalTotals>("WalTotals").implement({
  description: "WAL segments that share a fate.",
  fields: (t) => ({
    segments: t.exposeInt("segments", { description: "How many." }),
    storedBytes: t.expose("storedBytes", { type: "BigInt", description: "What they take in the repository." }),
    ranges: t.field({
      type: [WalRangeDecisionRef],
      description: "Where they are, with reasons; the 200 newest where there are more.",
      resolve: ({ ranges }) => [...ranges],
    }),
  }),
});

const WalPreviewRef = builder.objectRef<WalPreview>("WalPreview").implement({
  description:
    "What becomes of the WAL once the backups went, by what was last seen. It is decided anew when it goes, and waits while somebody reads.",
  fields: (t) => ({
    removed: t.field({ type: WalTotalsRef, description: "What goes.", resolve: ({ removed }) => removed }),
    kept: t.field({ type: WalTotalsRef, description: "What stays, and why.", resolve: ({ kept }) => kept }),
    sentence: t.exposeString("sentence", { description: "In words." }),
  }),
});

const CopyRetentionRef = builder.objectRef<CopyRetention>("CopyRetention").implement({
  description: "What retention does in a second repository, by what was last seen there.",
  fields: (t) => ({
    kept: t.field({ type: [RetentionDecisionRef], description: "Newest first.", resolve: (plan) => [...plan.kept] }),
    deleted: t.field({
      type: [RetentionDecisionRef],
      description: "Newest first; the backups may be gone from the first repository.",
      resolve: (plan) => [...plan.deleted],
    }),
    wal: t.field({
      type: WalPreviewRef,
      nullable: true,
      description: "The copied WAL that goes and stays; null: there is none.",
      resolve: ({ wal }) => wal,
    }),
    sentence: t.exposeString("sentence", { description: "The plan in words." }),
  }),
});

RetentionPreviewRef.implement({
  description: "What retention does: shown first, executed by its hash, refused when the world has changed.",
  fields: (t) => ({
    planHash: t.exposeString("planHash", { description: "Give it to applyRetention." }),
    kept: t.field({ type: [RetentionDecisionRef], description: "Newest first.", resolve: (plan) => plan.kept }),
    deleted: t.field({ type: [RetentionDecisionRef], description: "Newest first.", resolve: (plan) => plan.deleted }),
    freedBytesAtLeast: t.expose("freedBytesAtLeast", {
      type: "BigInt",
      nullable: true,
      description: "Null when nothing can be promised: kept backups may point at the same data.",
    }),
    sentence: t.exposeString("sentence", { description: "The plan in words." }),
    wal: t.field({
      type: WalPreviewRef,
      nullable: true,
      description:
        "The WAL that goes and stays with the backups; null: none is kept, or the run is over, whose result tells.",
      resolve: ({ wal }) => wal,
    }),
    copies: t.field({
      type: CopyRetentionRef,
      nullable: true,
      description: "The same for the copies in the second repository; null where there is none.",
      resolve: (plan) => plan.copies,
    }),
  }),
});

const ForecastBackupRef = builder.objectRef<ForecastBackup>("ForecastBackup").implement({
  description: "A backup there would be at a date to come.",
  fields: (t) => ({
    backup: t.field({
      type: BackupRef,
      nullable: true,
      description: "Null: it does not exist yet.",
      resolve: ({ backup }) => backup,
    }),
    startedAt: t.expose("startedAt", { type: "DateTime", description: "When it was, or will be, begun." }),
    reasons: t.stringList({ description: "Why it would stay.", resolve: ({ reasons }) => [...reasons] }),
  }),
});

const ForecastDeletionRef = builder.objectRef<ForecastDeletion>("ForecastDeletion").implement({
  description: "A backup that would be gone at a date to come.",
  fields: (t) => ({
    backup: t.field({ type: BackupRef, description: "Which.", resolve: ({ backup }) => backup }),
    deletedAt: t.expose("deletedAt", { type: "DateTime", description: "When retention would delete it." }),
    reasons: t.stringList({ description: "Why it would go.", resolve: ({ reasons }) => [...reasons] }),
  }),
});

export const RetentionForecastRef = builder.objectRef<RetentionForecast>("RetentionForecast").implement({
  description: "What a policy leaves at a date to come, if the schedules hold and every backup succeeds.",
  fields: (t) => ({
    at: t.expose("at", {
      type: "DateTime",
      description: "As asked, or earlier when the schedules would give more than 10,000 backups until then.",
    }),
    kept: t.field({ type: [ForecastBackupRef], description: "Newest first.", resolve: ({ kept }) => [...kept] }),
    deleted: t.field({
      type: [ForecastDeletionRef],
      description: "Of the backups that exist now, in the order of their deletion.",
      resolve: ({ deleted }) => [...deleted],
    }),
    foretoldCount: t.exposeInt("foretoldCount", { description: "Backups the schedules will have taken until then." }),
    sentence: t.exposeString("sentence", { description: "The forecast in words." }),
  }),
});
