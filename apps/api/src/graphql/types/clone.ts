import type { CloneRow } from "@tidemark/metadata";
import { CloneStateEnum } from "../enums.ts";
import { BackupRef, CloneRef, NodeRef, RunErrorRef, ServerRef } from "../refs.ts";
import { requiredRow } from "./required-row.ts";

CloneRef.implement({
  description: "A restored server that is kept for a while, to be queried.",
  interfaces: [NodeRef],
  isTypeOf: (value) => (value as { id: string }).id.startsWith("cln_"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "`cln_…`" }),
    server: t.field({
      type: ServerRef,
      description: "What it is a clone of.",
      resolve: (clone, _args, { loaders }) => requiredRow(loaders.server.load(clone.serverId), clone.serverId),
    }),
    backup: t.field({
      type: BackupRef,
      nullable: true,
      description: "From which it was restored; null: not chosen yet, or gone.",
      resolve: (clone, _args, { loaders }) => (clone.backupId === null ? null : loaders.backup.load(clone.backupId)),
    }),
    state: t.expose("state", { type: CloneStateEnum, description: "Where it is." }),
    target: t.field({
      type: "JSON",
      nullable: true,
      description: "To where it was asked to recover; null: to the end of what there was.",
      resolve: ({ target }) => target,
    }),
    reachedLsn: t.string({
      nullable: true,
      description: "How far it is, as it said itself; null: not known.",
      resolve: (clone) => reachedOf(clone, "reachedLsn"),
    }),
    reachedAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "Of the last commit in it, by the source's clock; null: not known.",
      resolve: (clone) => {
        const at = reachedOf(clone, "reachedAt");
        return at === null ? null : new Date(at);
      },
    }),
    promoted: t.exposeBoolean("promoted", {
      description: "Whether it takes writes; else it is read-only and may move on.",
    }),
    hostname: t.exposeString("hostname", { nullable: true, description: "The machine it runs on." }),
    host: t.exposeString("host", { nullable: true, description: "Where it takes connections; null: not yet." }),
    port: t.exposeInt("port", { nullable: true, description: "Its port; null: not yet." }),
    userName: t.exposeString("userName", { nullable: true, description: "Whom to connect as." }),
    path: t.exposeString("path", { nullable: true, description: "Where its files lie on that machine." }),
    sizeBytes: t.expose("sizeBytes", { type: "BigInt", nullable: true, description: "What it takes there." }),
    createdBy: t.exposeString("createdBy", { description: "Who asked for it." }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When." }),
    expiresAt: t.expose("expiresAt", { type: "DateTime", description: "When it goes by itself." }),
    endedAt: t.expose("endedAt", { type: "DateTime", nullable: true, description: "When it went; null: it lives." }),
    error: t.field({
      type: RunErrorRef,
      nullable: true,
      description: "Why it failed; null: it did not.",
      resolve: ({ error }) => (error === null ? null : { ...error, hint: null }),
    }),
  }),
});

function reachedOf({ reached }: CloneRow, name: "reachedLsn" | "reachedAt"): string | null {
  if (typeof reached !== "object" || reached === null || Array.isArray(reached)) return null;
  const value = (reached as Readonly<Record<string, unknown>>)[name];
  return typeof value === "string" ? value : null;
}
