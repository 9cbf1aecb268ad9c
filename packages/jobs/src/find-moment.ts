import { z } from "zod";
import { Bytes, Instant, LsnText } from "./result-parts.ts";

const ObjectName = z.string().min(1).max(63);

/** Search the WAL for transactions that took rows or relations of a database away. */
export const FindMomentRequest = z.object({
  serverId: z.string(),
  database: ObjectName,
  /** With its partitions and heirs; null: any table but the system's. Names as PostgreSQL stores them. */
  relation: z.object({ schema: ObjectName, name: ObjectName }).nullable(),
  /** By the server's clock. */
  from: Instant,
  to: Instant,
  /** So many deleted or updated rows of a relation are many. */
  leastRows: z.number().int().min(1).max(2_147_483_647),
  /** Null: the newest that has WAL of that time. */
  timeline: z.number().int().min(1).max(0xffff_ffff).nullable(),
  mostMoments: z.number().int().min(1).max(1_000),
});

export const MomentChangeKind = z.enum(["database-dropped", "dropped", "truncated", "deleted", "updated", "rewritten"]);

export const FindMomentResult = z.object({
  /** In the order of their commits. */
  moments: z.array(
    z.object({
      xid: z.number(),
      commitAt: Instant,
      /** The end of its commit record. */
      commitLsn: LsnText,
      timeline: z.number(),
      /** False: a backup was being taken then, and no earlier one is there. */
      restorable: z.boolean(),
      /** The gravest first. */
      changes: z.array(
        z.object({
          kind: MomentChangeKind,
          /** Null for a dropped database. */
          schema: z.string().nullable(),
          name: z.string().nullable(),
          /** Null where the WAL does not count them. */
          rows: z.number().nullable(),
        }),
      ),
    }),
  ),
  /** Those from which names were read. */
  backupIds: z.array(z.string()),
  /** In a cluster before the server's present one: its transaction numbers name no target, its times do. */
  earlierCluster: z.boolean(),
  readBytes: Bytes,
  transactions: z.number(),
  /** The last commit that was read. */
  readUntil: Instant.nullable(),
  /** Why there may be more than was found, as sentences; empty: the search was whole. */
  limits: z.array(z.string()),
});
export type FindMomentResult = z.infer<typeof FindMomentResult>;
