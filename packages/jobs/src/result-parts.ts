import { z } from "zod";

/** The parts that results of several kinds share. */

/** A count of bytes as a decimal string: JSON numbers end at 2^53. */
export const Bytes = z.string().regex(/^\d+$/);
/** What to paste where. `settings` are lines of postgresql.conf, `hba` lines to put above the others of pg_hba.conf. */
export const Remedy = z.object({
  sql: z.string().optional(),
  hba: z.string().optional(),
  settings: z.string().optional(),
  /** Words for what cannot be pasted. */
  advice: z.string().optional(),
  needs: z.enum(["reload", "restart"]).optional(),
});
/** An error of ours as a row keeps it. */
export const Failure = z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() });

/** As PostgreSQL prints one (pg_lsn.c, pg_lsn_out). */
export const LsnText = z.string().regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/);
/** UTC, as Date.toISOString prints it. */
export const Instant = z.iso.datetime();
