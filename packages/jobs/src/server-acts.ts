import { z } from "zod";
import { Bytes, Instant, LsnText } from "./result-parts.ts";

/** The acts at a server beside backups: what is asked, and what each leaves in its run's `result`. */

/** How much of a server's file one `read-file` brings. */
export const readFileLimitBytes = 1024 * 1024;

/** slot.c, ReplicationSlotValidateName. */
export const SlotName = z.string().regex(/^[a-z0-9_]{1,63}$/, "a slot's name has 1 to 63 of a-z, 0-9 and _");

/** One thing to do at or ask of a server, beside backups. Names are PostgreSQL's own limits: 63 bytes, 1023 for paths. */
export const ServerAct = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("switch-wal") }),
  z.object({ kind: z.literal("checkpoint") }),
  z.object({ kind: z.literal("restore-point"), name: z.string().min(1).max(63) }),
  z.object({ kind: z.literal("create-slot"), name: SlotName, reserveWal: z.boolean() }),
  z.object({ kind: z.literal("plan-drop-slot"), name: SlotName }),
  /** `planHash` of the plan that was shown: a slot that changed hands meanwhile is not dropped (`plan-stale`). */
  z.object({ kind: z.literal("drop-slot"), name: SlotName, planHash: z.string() }),
  z.object({ kind: z.literal("settings"), names: z.array(z.string().min(1).max(200)).max(500).nullable() }),
  z.object({ kind: z.literal("file-stat"), path: z.string().min(1).max(1023) }),
  /** At most 1 MiB at once; the answer is sealed for `recipient`, since server files hold secrets and rows are kept. */
  z.object({
    kind: z.literal("read-file"),
    path: z.string().min(1).max(1023),
    offset: z.number().int().min(0),
    lengthBytes: z.number().int().min(1).max(readFileLimitBytes),
    recipient: z.string(),
  }),
]);

export const SlotDropPlan = z.object({
  planHash: z.string(),
  name: z.string(),
  active: z.boolean(),
  /** Who streams from it; ended by the drop. */
  client: z.string().nullable(),
  retainedBytes: Bytes.nullable(),
  own: z.boolean(),
  /** What will happen, in sentences. */
  consequences: z.array(z.string()),
});

export const ServerActResult = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("switch-wal"),
    /** The segment that was closed; null when nothing had been written since the last one, and nothing was switched. */
    closedFile: z.string().nullable(),
    lsn: LsnText,
    sentence: z.string(),
  }),
  z.object({ kind: z.literal("checkpoint"), lsn: LsnText, timeline: z.number(), sentence: z.string() }),
  z.object({ kind: z.literal("restore-point"), name: z.string(), lsn: LsnText, sentence: z.string() }),
  z.object({ kind: z.literal("create-slot"), name: z.string(), restartLsn: LsnText.nullable(), sentence: z.string() }),
  z.object({ kind: z.literal("plan-drop-slot"), plan: SlotDropPlan }),
  z.object({ kind: z.literal("drop-slot"), name: z.string(), sentence: z.string() }),
  z.object({
    kind: z.literal("settings"),
    settings: z.array(
      z.object({
        name: z.string(),
        /** As SHOW prints it. */
        value: z.string(),
        unit: z.string().nullable(),
        source: z.string(),
        sourceFile: z.string().nullable(),
        sourceLine: z.number().nullable(),
        pendingRestart: z.boolean(),
        context: z.string(),
      }),
    ),
    /** Asked for and not there (or not for this role to see). */
    missing: z.array(z.string()),
  }),
  z.object({
    kind: z.literal("file-stat"),
    path: z.string(),
    sizeBytes: Bytes,
    isDirectory: z.boolean(),
    accessedAt: Instant,
    modifiedAt: Instant,
    changedAt: Instant.nullable(),
    /** Null on Unix, where the server cannot say. */
    createdAt: Instant.nullable(),
  }),
  z.object({
    kind: z.literal("read-file"),
    path: z.string(),
    offset: z.number(),
    lengthBytes: z.number(),
    /** Base64 of the bytes, sealed for the asker's public key. */
    sealedBytes: z.string(),
    /** The file ends with these bytes. */
    atEnd: z.boolean(),
  }),
]);

export type ServerActResult = z.infer<typeof ServerActResult>;
export type SlotDropPlan = z.infer<typeof SlotDropPlan>;
export type ServerAct = z.infer<typeof ServerAct>;
