import { AccessEnum, SeverityEnum } from "../enums.ts";
import {
  ApiTokenRef,
  AuditEventRef,
  FindingRef,
  NodeRef,
  RemedyRef,
  RepositoryRef,
  ServerRef,
  WorkerRef,
} from "../refs.ts";

FindingRef.implement({
  description: "One result of a check: what, since when, what follows, and what to do.",
  interfaces: [NodeRef],
  isTypeOf: (value) => (value as { id: string }).id.startsWith("fnd_"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "`fnd_…`" }),
    checkId: t.exposeString("checkId", { description: "The check's stable name." }),
    severity: t.expose("severity", { type: SeverityEnum, description: "What it threatens." }),
    server: t.field({
      type: ServerRef,
      nullable: true,
      description: "Null when it concerns none.",
      resolve: (finding, _args, { loaders }) =>
        finding.serverId === null ? null : loaders.server.load(finding.serverId),
    }),
    repository: t.field({
      type: RepositoryRef,
      nullable: true,
      description: "Null when it concerns none.",
      resolve: (finding, _args, { loaders }) =>
        finding.repositoryId === null ? null : loaders.repository.load(finding.repositoryId),
    }),
    title: t.exposeString("title", { description: "In a few words." }),
    found: t.exposeString("found", { description: "What is." }),
    read: t.exposeString("read", {
      nullable: true,
      description: "The setting, view or function that was read; null when it was decided from our own rows.",
    }),
    required: t.exposeString("required", {
      nullable: true,
      description: "What should be; null when no value can be named.",
    }),
    why: t.exposeString("why", { description: "What follows from it." }),
    remedy: t.expose("remedy", { type: RemedyRef, nullable: true, description: "What to paste; null: nothing." }),
    recheckable: t.exposeBoolean("recheckable", {
      description: "Whether inspectServer(checkIds: [checkId]) looks at it alone.",
    }),
    firstSeenAt: t.expose("firstSeenAt", { type: "DateTime", description: "Since when." }),
    lastSeenAt: t.expose("lastSeenAt", { type: "DateTime", description: "When it was last seen." }),
    resolvedAt: t.expose("resolvedAt", { type: "DateTime", nullable: true, description: "Null: it is still so." }),
    actionLabel: t.exposeString("actionLabel", {
      nullable: true,
      description: "The one button's text; null: there is none.",
    }),
    actionPath: t.exposeString("actionPath", {
      nullable: true,
      description: "Where the button leads: a path of the dashboard; null: there is none.",
    }),
  }),
});

ApiTokenRef.implement({
  description: "A token for scripts. Its text is shown once, when it is made.",
  interfaces: [NodeRef],
  isTypeOf: (value) => (value as { id: string }).id.startsWith("tok_"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "`tok_…`" }),
    name: t.exposeString("name", { description: "What it is for." }),
    prefix: t.exposeString("prefix", { description: "Its first characters, to tell tokens apart." }),
    access: t.expose("access", { type: AccessEnum, description: "What it may do." }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was made." }),
    expiresAt: t.expose("expiresAt", { type: "DateTime", nullable: true, description: "Null: never." }),
    lastUsedAt: t.expose("lastUsedAt", {
      type: "DateTime",
      nullable: true,
      description: "To the minute; null: never.",
    }),
    revokedAt: t.expose("revokedAt", { type: "DateTime", nullable: true, description: "Null: it is not." }),
  }),
});

AuditEventRef.implement({
  description: "Who did what, when, and how it ended. Rows are only ever added, each chained to the one before.",
  interfaces: [NodeRef],
  isTypeOf: (value) => (value as { id: string }).id.startsWith("aud_"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "`aud_…`" }),
    at: t.expose("at", { type: "DateTime", description: "When." }),
    actor: t.exposeString("actor", { description: "`user:admin`, `token:tmk_…`, `worker:…` or `tidemark`." }),
    action: t.exposeString("action", { description: "The mutation or act." }),
    targetKind: t.exposeString("targetKind", {
      nullable: true,
      description: "What it was done to; null: nothing in particular.",
    }),
    targetId: t.exposeString("targetId", { nullable: true, description: "Which; null: none was made or named." }),
    detail: t.expose("detail", {
      type: "JSON",
      nullable: true,
      description: "What was asked, without secrets; null: nothing.",
    }),
    outcome: t.exposeString("outcome", { description: "`ok`, or the error's code." }),
  }),
});

WorkerRef.implement({
  description: "A process that does the acts.",
  fields: (t) => ({
    id: t.exposeID("id", { description: "`wrk_…`" }),
    hostname: t.exposeString("hostname", { description: "Of its machine." }),
    pid: t.exposeInt("pid", { description: "Of its process there." }),
    startedAt: t.expose("startedAt", { type: "DateTime", description: "When it started." }),
    lastSeenAt: t.expose("lastSeenAt", { type: "DateTime", description: "Its last sign of life." }),
    alive: t.exposeBoolean("alive", { description: "Whether that is recent and it did not stop." }),
  }),
});
