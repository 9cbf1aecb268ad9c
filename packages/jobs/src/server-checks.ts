import { z } from "zod";
import { Instant, Remedy } from "./result-parts.ts";

/** One readiness check of a server. Severity counts when `found`. */
export const ServerCheckResult = z.object({
  id: z.string(),
  title: z.string(),
  state: z.enum(["ok", "found", "not-asked"]),
  severity: z.enum(["blocks-backup", "blocks-wal", "risk", "note"]),
  /** The setting, view or function that was read. */
  read: z.string(),
  required: z.string(),
  found: z.string(),
  why: z.string(),
  remedy: Remedy.nullable(),
});

/** What the role may do, and what to paste for what it may not. */
export const PrivilegesResult = z.object({
  role: z.string(),
  isSuperuser: z.boolean(),
  acts: z.array(
    z.object({
      act: z.string(),
      title: z.string(),
      state: z.enum(["allowed", "missing", "not-available"]),
      /** Why it is missing or not available; null when allowed. */
      why: z.string().nullable(),
      remedySql: z.string().nullable(),
    }),
  ),
  /** Rights nothing here needs. */
  excess: z.array(z.object({ what: z.string(), why: z.string(), remedySql: z.string() })),
  /** The smallest role for each purpose on this major, as a script. */
  scripts: z.array(z.object({ purpose: z.string(), title: z.string(), satisfied: z.boolean(), sql: z.string() })),
});

export const InspectResult = z.object({
  observedAt: Instant,
  checks: z.array(ServerCheckResult),
  blocksBackup: z.boolean(),
  blocksWal: z.boolean(),
});

export type ServerCheckResult = z.infer<typeof ServerCheckResult>;
export type PrivilegesResult = z.infer<typeof PrivilegesResult>;
export type InspectResult = z.infer<typeof InspectResult>;
