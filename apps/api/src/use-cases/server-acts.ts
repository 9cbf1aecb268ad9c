import { type RunRequest, readFileLimitBytes, type ServerAct, SlotName } from "@tidemark/jobs";
import { isPublicKey } from "@tidemark/kit/sealed-text";
import { z } from "zod";
import type { Services } from "../services.ts";
import { EntityId } from "./inputs.ts";
import { parseInput } from "./parse-input.ts";
import { type ActOutcome, type Caller, perform } from "./perform.ts";
import { requireOnlineServer } from "./requirements.ts";

/** Text PostgreSQL takes as a name or a path: without NUL, at most so many bytes. */
function pgText(mostBytes: number, what: string) {
  const tooLong = `${what} has at most ${mostBytes} bytes`;
  return z
    .string()
    .min(1, `${what} is needed`)
    .max(mostBytes, { error: tooLong, abort: true })
    .refine((text) => Buffer.byteLength(text) <= mostBytes, tooLong)
    .refine((text) => !text.includes("\0"), `${what} has no NUL`);
}

/** A name people read, type and see in a terminal. */
function pgName(mostBytes: number, what: string) {
  return pgText(mostBytes, what).refine((text) => !/\p{Cc}/u.test(text), `${what} has no control characters`);
}

/** PostgreSQL's own limit is MAXPGPATH, 1024 with the NUL (pg_config_manual.h). */
const ServerPath = pgText(1_023, "a path").describe("Absolute, or below the server's data directory.");

export const ServerActInput = z.object({ serverId: EntityId });

export const CreateRestorePointInput = ServerActInput.extend({
  // xlog.c, MAXFNAMELEN: 64 with the NUL.
  name: pgName(63, "a restore point's name").describe("1 to 63 bytes."),
});

export const CreateReplicationSlotInput = ServerActInput.extend({
  name: SlotName,
  reserveWal: z.boolean().nullish().describe("Keep WAL from now on; true when left out."),
});

export const PlanReplicationSlotDropInput = ServerActInput.extend({ name: SlotName });

export const DropReplicationSlotInput = ServerActInput.extend({
  name: SlotName,
  planHash: z.string().min(1).max(200).describe("Of the plan that was shown."),
});

export const ReadServerSettingsInput = ServerActInput.extend({
  names: z
    .array(pgName(200, "a setting's name"))
    .min(1)
    .max(500)
    .nullish()
    .describe("All that the role may see when left out."),
});

export const StatServerFileInput = ServerActInput.extend({ path: ServerPath });

export const ReadServerFileInput = ServerActInput.extend({
  path: ServerPath,
  // GraphQL sends it as a BigInt, REST as a number or decimal text.
  offset: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).nullish().describe("0 when left out."),
  lengthBytes: z.number().int().min(1).max(readFileLimitBytes).describe("1 to 1048576."),
  recipient: z
    .string()
    .refine(isPublicKey, "a public key is needed, `tidemark-seal-1:` and base64url of 32 bytes")
    .describe("The asker's public key, `tidemark-seal-1:…`; only its private half opens the answer."),
});

export const switchWal = serverAct("switchWal", ServerActInput, () => ({ kind: "switch-wal" }));

export const checkpointServer = serverAct("checkpointServer", ServerActInput, () => ({ kind: "checkpoint" }));

export const createRestorePoint = serverAct("createRestorePoint", CreateRestorePointInput, ({ name }) => ({
  kind: "restore-point",
  name,
}));

export const createReplicationSlot = serverAct(
  "createReplicationSlot",
  CreateReplicationSlotInput,
  ({ name, reserveWal }) => ({ kind: "create-slot", name, reserveWal: reserveWal ?? true }),
);

export const planReplicationSlotDrop = serverAct(
  "planReplicationSlotDrop",
  PlanReplicationSlotDropInput,
  ({ name }) => ({ kind: "plan-drop-slot", name }),
);

/** The worker compares the hash with the slot as it is then: one that changed hands meanwhile is not dropped. */
export const dropReplicationSlot = serverAct("dropReplicationSlot", DropReplicationSlotInput, ({ name, planHash }) => ({
  kind: "drop-slot",
  name,
  planHash,
}));

export const readServerSettings = serverAct("readServerSettings", ReadServerSettingsInput, ({ names }) => ({
  kind: "settings",
  names: names ?? null,
}));

export const statServerFile = serverAct("statServerFile", StatServerFileInput, ({ path }) => ({
  kind: "file-stat",
  path,
}));

export const readServerFile = serverAct(
  "readServerFile",
  ReadServerFileInput,
  ({ path, offset, lengthBytes, recipient }) => ({
    kind: "read-file",
    path,
    offset: offset ?? 0,
    lengthBytes,
    recipient,
  }),
);

type ServerActUseCase = (services: Services, caller: Caller, input: unknown) => Promise<ActOutcome<{ runId: string }>>;

/** An act at a server that is a run: refused with `server-offline` while the server is offline. */
function serverAct<Schema extends z.ZodType<{ readonly serverId: string }>>(
  name: string,
  schema: Schema,
  toAct: (input: z.output<Schema>) => ServerAct,
): ServerActUseCase {
  return (services, caller, input) => {
    const act = { name, input: input as Record<string, unknown>, target: serverTarget(input) };
    return perform<{ runId: string }>(services, caller, act, async (scope) => {
      const parsed = parseInput(schema, input);
      const server = await requireOnlineServer(services, parsed.serverId);
      const request: RunRequest<"server-act"> = { serverId: server.id, act: toAct(parsed) };
      const run = await scope.startRun({ kind: "server-act", request, serverId: server.id });
      return { runId: run.id };
    });
  };
}

/** What the audit names, also of a try whose input cannot be read. */
export function serverTarget(input: unknown) {
  const { serverId } = input as { serverId?: unknown };
  return { kind: "server", id: typeof serverId === "string" ? serverId : null };
}
