import { z } from "zod";

/** To where a server is to be restored, as it is written into a run: LSNs and transaction ids are text, times ISO 8601. */
export const RecoveryTargetJson = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("latest") }),
  z.object({ kind: z.literal("immediate") }),
  z.object({ kind: z.literal("time"), at: z.iso.datetime(), inclusive: z.boolean().default(true) }),
  z.object({
    kind: z.literal("lsn"),
    lsn: z.string().regex(/^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/),
    inclusive: z.boolean().default(true),
  }),
  z.object({ kind: z.literal("xid"), xid: z.string().regex(/^\d{1,20}$/), inclusive: z.boolean().default(true) }),
  z.object({ kind: z.literal("name"), name: z.string().min(1).max(63) }),
]);
export type RecoveryTargetJson = z.infer<typeof RecoveryTargetJson>;

/** A target with what belongs to it; the same for restores, drills and clones. */
export const TargetRequestJson = z.object({
  target: RecoveryTargetJson,
  /** A timeline's number, the newest that can be reached, or the backup's own. */
  timeline: z.union([z.number().int().min(1).max(0xffff_ffff), z.enum(["latest", "current"])]).default("latest"),
  action: z.enum(["pause", "promote", "shutdown"]).default("promote"),
  asStandby: z.boolean().default(false),
});
export type TargetRequestJson = z.infer<typeof TargetRequestJson>;

/** How a restored directory gets the WAL for its recovery, besides. */
export const RestoreRecoveryJson = TargetRequestJson.extend({
  wal: z.enum(["copy", "fetch"]).default("copy"),
  /** The file of `tidemark server host-config` that the restored server's `tidemark wal fetch` reads; null with `copy`. */
  fetchConfig: z
    .string()
    .regex(/^\/[^\0\r\n]*$/)
    .max(4_000)
    .nullable()
    .default(null),
});
export type RestoreRecoveryJson = z.infer<typeof RestoreRecoveryJson>;
