import { formatBytes } from "@tidemark/kit";
import type { Command } from "commander";
import { z } from "zod";
import { type CommandContext, type CommonOptions, openSession, type Session } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { findServerId } from "../lookup.ts";
import { type Output, printOne } from "../output.ts";
import type { Register } from "../program.ts";
import { serverAct } from "../server-run.ts";

/** Acts that are done when the command ends. */
export function addServerActCommands(server: Command, context: CommandContext, register: Register): void {
  register(
    server.command("switch-wal <name>").description("close the WAL segment that is being written"),
    (name, options) => act(context, name, options, "switchWal", {}),
  );
  register(server.command("checkpoint <name>").description("run a checkpoint"), (name, options) =>
    act(context, name, options, "checkpointServer", {}),
  );
  register(
    server.command("restore-point <name> <point>").description("write a named place into the WAL to restore to"),
    (name, point, options) => act(context, name, options, "createRestorePoint", { name: point }),
  );
  register(
    server
      .command("create-slot <name> <slot>")
      .description("make a physical replication slot")
      .option("--no-reserve-wal", "keep WAL from its first use only, not from now on"),
    (name, slot, options) =>
      act(context, name, options, "createReplicationSlot", {
        name: slot,
        reserveWal: (options as { readonly reserveWal: boolean }).reserveWal,
      }),
  );
  register(
    server
      .command("drop-slot <name> <slot>")
      .description("drop a replication slot; shows the plan, and acts only with --yes or --plan")
      .option("--yes", "execute the plan that is shown")
      .option("--plan <hash>", "execute the plan that was shown, or nothing if the slot changed since"),
    (name, slot, options) => dropSlot(context, name as string, slot as string, options as DropOptions),
  );
}

/** Every act says in a sentence what it did; the other facts depend on the act. */
const Done = z.looseObject({ kind: z.string(), sentence: z.string() });

async function act(
  context: CommandContext,
  name: unknown,
  options: unknown,
  mutation: string,
  input: object,
): Promise<number> {
  const session = openSession(context, options as CommonOptions);
  const serverId = await findServerId(session.api, name as string);
  printDone(session.output, await serverAct(session, mutation, { serverId, ...input }, Done));
  return exitCodes.done;
}

function printDone(output: Output, done: z.infer<typeof Done>): void {
  if (output.format === "table") output.write(`${done.sentence}\n`);
  else printOne(output, done, []);
}

interface DropOptions extends CommonOptions {
  readonly yes?: boolean;
  readonly plan?: string;
}

const Plan = z.object({
  plan: z.object({
    planHash: z.string(),
    name: z.string(),
    active: z.boolean(),
    client: z.string().nullable(),
    retainedBytes: z.string().nullable(),
    own: z.boolean(),
    consequences: z.array(z.string()),
  }),
});

async function dropSlot(context: CommandContext, name: string, slot: string, options: DropOptions): Promise<number> {
  const session = openSession(context, options);
  const serverId = await findServerId(session.api, name);
  if (options.plan !== undefined) return await executeDrop(session, serverId, slot, options.plan);
  const { plan } = await serverAct(session, "planReplicationSlotDrop", { serverId, name: slot }, Plan);
  if (options.yes === true) return await executeDrop(session, serverId, slot, plan.planHash);
  printOne(session.output, { id: plan.planHash, state: "planned", ...plan }, [
    ["slot", `${plan.name}${plan.own ? ", one of ours" : ""}`],
    ["read by", plan.active ? (plan.client ?? "somebody") : "nobody now"],
    ["keeps", plan.retainedBytes === null ? null : `${formatBytes(BigInt(plan.retainedBytes))} of WAL`],
    ...plan.consequences.map((consequence) => ["then", consequence] as const),
    ["plan", plan.planHash],
  ]);
  session.output.note("nothing was dropped; repeat with --yes, or with --plan and the hash of this plan\n");
  return exitCodes.done;
}

async function executeDrop(session: Session, serverId: string, name: string, planHash: string): Promise<number> {
  printDone(session.output, await serverAct(session, "dropReplicationSlot", { serverId, name, planHash }, Done));
  return exitCodes.done;
}
