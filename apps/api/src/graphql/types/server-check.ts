import type { PrivilegesResult } from "@tidemark/jobs";
import { builder } from "../builder.ts";
import { CheckStateEnum, PrivilegeStateEnum, SeverityEnum } from "../enums.ts";
import { InspectionRef, PrivilegesRef, RemedyRef, ServerCheckRef } from "../refs.ts";

ServerCheckRef.implement({
  description: "One readiness check of a server, good or not.",
  fields: (t) => ({
    id: t.exposeString("id", { description: "The check's stable name; inspectServer(checkIds: [id]) asks it again." }),
    title: t.exposeString("title", { description: "In a few words." }),
    state: t.expose("state", { type: CheckStateEnum, description: "What it came to." }),
    severity: t.expose("severity", { type: SeverityEnum, description: "What it threatens when it is FOUND." }),
    read: t.exposeString("read", { description: "The setting, view or function that was read." }),
    required: t.exposeString("required", { description: "What should be." }),
    found: t.exposeString("found", { description: "What is." }),
    why: t.exposeString("why", { description: "What follows when it is not as required." }),
    remedy: t.expose("remedy", {
      type: RemedyRef,
      nullable: true,
      description: "How to mend it; null: nothing to mend.",
    }),
  }),
});

InspectionRef.implement({
  description: "What an inspection found. What a server tells of itself is at Server.snapshot.",
  fields: (t) => ({
    observedAt: t.field({
      type: "DateTime",
      description: "When the server was asked.",
      resolve: (inspection) => new Date(inspection.observedAt),
    }),
    checks: t.field({
      type: [ServerCheckRef],
      description: "All that were asked, the good ones too.",
      complexity: { field: 1, multiplier: 30 },
      resolve: (inspection) => inspection.checks,
    }),
    blocksBackup: t.exposeBoolean("blocksBackup", { description: "Whether one keeps backups from being taken." }),
    blocksWal: t.exposeBoolean("blocksWal", { description: "Whether one keeps WAL from being streamed." }),
  }),
});

const PrivilegedActRef = builder.objectRef<PrivilegesResult["acts"][number]>("PrivilegedAct").implement({
  description: "Something the role may or may not do.",
  fields: (t) => ({
    act: t.exposeString("act", { description: "A stable name." }),
    title: t.exposeString("title", { description: "For people." }),
    state: t.expose("state", { type: PrivilegeStateEnum, description: "Whether it may." }),
    why: t.exposeString("why", { nullable: true, description: "Why not; null when it may." }),
    remedySql: t.exposeString("remedySql", {
      nullable: true,
      description: "What a superuser runs to allow it; null: nothing would.",
    }),
  }),
});

const ExcessPrivilegeRef = builder.objectRef<PrivilegesResult["excess"][number]>("ExcessPrivilege").implement({
  description: "A right that nothing here needs.",
  fields: (t) => ({
    what: t.exposeString("what", { description: "Which right." }),
    why: t.exposeString("why", { description: "What it could be abused for." }),
    remedySql: t.exposeString("remedySql", { description: "What takes it away." }),
  }),
});

const RoleScriptRef = builder.objectRef<PrivilegesResult["scripts"][number]>("RoleScript").implement({
  description: "The smallest role for a purpose on this version, as SQL to run as a superuser.",
  fields: (t) => ({
    purpose: t.exposeString("purpose", { description: "`backup`, `backup-and-wal` or `operate`." }),
    title: t.exposeString("title", { description: "For people." }),
    satisfied: t.exposeBoolean("satisfied", { description: "Whether the role has all of it already." }),
    sql: t.exposeString("sql", { description: "The script; running it again changes nothing." }),
  }),
});

PrivilegesRef.implement({
  description: "What the role we log in with may do, as PostgreSQL itself checks it.",
  fields: (t) => ({
    role: t.exposeString("role", { description: "Its name." }),
    isSuperuser: t.exposeBoolean("isSuperuser", { description: "Whether it may do everything." }),
    acts: t.field({
      type: [PrivilegedActRef],
      description: "Each act, allowed or not.",
      complexity: { field: 1, multiplier: 20 },
      resolve: (privileges) => privileges.acts,
    }),
    excess: t.field({
      type: [ExcessPrivilegeRef],
      description: "Rights nothing here needs.",
      complexity: { field: 1, multiplier: 5 },
      resolve: (privileges) => privileges.excess,
    }),
    scripts: t.field({
      type: [RoleScriptRef],
      description: "The smallest role for each purpose.",
      complexity: { field: 1, multiplier: 3 },
      resolve: (privileges) => privileges.scripts,
    }),
  }),
});
