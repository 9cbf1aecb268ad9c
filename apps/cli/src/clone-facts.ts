import { AppError, formatBytes } from "@tidemark/kit";
import { z } from "zod";
import type { Session } from "./context.ts";
import { formatInstant, lowerState, type Output, printOne } from "./output.ts";

export const CloneFacts = z.object({
  id: z.string(),
  server: z.object({ id: z.string(), name: z.string() }),
  backup: z.object({ id: z.string() }).nullable(),
  state: z.string(),
  target: z.unknown(),
  reachedLsn: z.string().nullable(),
  reachedAt: z.string().nullable(),
  promoted: z.boolean(),
  hostname: z.string().nullable(),
  host: z.string().nullable(),
  port: z.number().nullable(),
  userName: z.string().nullable(),
  path: z.string().nullable(),
  sizeBytes: z.string().nullable(),
  createdBy: z.string(),
  createdAt: z.string(),
  expiresAt: z.string(),
  endedAt: z.string().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
});
export type CloneFacts = z.infer<typeof CloneFacts>;

export const cloneFields = `id server { id name } backup { id } state target reachedLsn reachedAt promoted hostname host port
  userName path sizeBytes createdBy createdAt expiresAt endedAt error { code message }`;

/** Throws `not-found`. */
export async function fetchClone({ api }: Pick<Session, "api">, id: string): Promise<CloneFacts> {
  const { clone } = await api.query(
    z.object({ clone: CloneFacts.nullable() }),
    `query ($id: ID!) { clone(id: $id) { ${cloneFields} } }`,
    { id },
  );
  if (clone !== null) return clone;
  throw new AppError("not-found", { message: `there is no clone ${id}`, hint: "`tidemark clone list` shows them" });
}

export function cloneJson(clone: CloneFacts): object {
  return {
    ...clone,
    state: lowerState(clone.state),
    server: clone.server.name,
    backup: undefined,
    backupId: clone.backup?.id ?? null,
  };
}

export function printClone(output: Output, clone: CloneFacts): void {
  printOne(output, cloneJson(clone), [
    ["id", clone.id],
    ["server", clone.server.name],
    ["state", `${lowerState(clone.state)}${clone.promoted ? ", takes writes" : ""}`],
    ["error", clone.error === null ? null : `${clone.error.message} [${clone.error.code}]`],
    ["backup", clone.backup?.id ?? null],
    ["reached", reachedText(clone)],
    ["listens", clone.host === null || clone.port === null ? null : `${clone.host}:${clone.port} on ${clone.hostname}`],
    ["user", clone.userName],
    ["files", clone.path],
    ["size", clone.sizeBytes === null ? null : formatBytes(BigInt(clone.sizeBytes))],
    ["made", `${formatInstant(clone.createdAt)} by ${clone.createdBy}`],
    ["expires", clone.endedAt === null ? formatInstant(clone.expiresAt) : null],
    ["ended", clone.endedAt === null ? null : formatInstant(clone.endedAt)],
  ]);
}

/** How far a clone is; null: not known yet. */
export function reachedText({ reachedAt, reachedLsn }: Pick<CloneFacts, "reachedAt" | "reachedLsn">): string | null {
  const at = reachedAt === null ? null : formatInstant(reachedAt);
  if (reachedLsn === null) return at;
  return at === null ? reachedLsn : `${at} (${reachedLsn})`;
}
