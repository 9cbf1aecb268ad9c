import { describeRetention } from "@tidemark/policy";
import type { RetentionDecision } from "../../use-cases/retention-plan.ts";
import { builder } from "../builder.ts";
import { BackupRef, NodeRef, PolicyRef, RetentionPreviewRef } from "../refs.ts";

PolicyRef.implement({
  description: "Which backups are kept.",
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
    minimum: t.exposeInt("minimum", { description: "Never fewer usable ones." }),
    sentence: t.string({ description: "The rules in words.", resolve: (policy) => describeRetention(policy) }),
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
  }),
});
