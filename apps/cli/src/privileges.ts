import { z } from "zod";

/** What the role we log in with may do. */
export const Privileges = z.object({
  role: z.string(),
  isSuperuser: z.boolean(),
  acts: z.array(
    z.object({
      act: z.string(),
      title: z.string(),
      state: z.enum(["allowed", "missing", "not-available"]),
      why: z.string().nullable(),
      remedySql: z.string().nullable(),
    }),
  ),
  excess: z.array(z.object({ what: z.string(), why: z.string(), remedySql: z.string() })),
  scripts: z.array(z.object({ purpose: z.string(), title: z.string(), satisfied: z.boolean(), sql: z.string() })),
});
export type Privileges = z.infer<typeof Privileges>;
