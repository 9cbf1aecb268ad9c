import { resolve } from "node:path";
import { formatBytes } from "@tidemark/kit";
import type { Command } from "commander";
import { z } from "zod";
import { refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { type CommandContext, type CommonOptions, openSession, type Session } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { RunFacts, runFields, startedOrFinished, waitForRun } from "../follow-run.ts";
import { findServerId } from "../lookup.ts";
import { lowerState, type Output, printOne } from "../output.ts";
import type { Register } from "../program.ts";
import { addRecoveryOptions, type RecoveryOptions, restoreRecoveryInput, wantedRecovery } from "../recovery-options.ts";
import { collectTablespace, type TablespaceOption } from "../tablespace-option.ts";
import { addDirectRestore, collectName } from "./restore-direct.ts";

interface RestoreOptions extends CommonOptions, RecoveryOptions {
  readonly backup?: string;
  readonly to: string;
  readonly tablespace: readonly TablespaceOption[];
  readonly owner?: string;
  readonly delta?: boolean;
  readonly database: readonly string[];
  readonly yes?: boolean;
  readonly wait?: boolean;
}

export function addRestoreCommands(root: Command, context: CommandContext, register: Register): void {
  const restore = root.command("restore").description("bring a backup back into a directory");
  register(
    withTarget(restore.command("plan <server>")).description(
      "check a restore and say what it would do; writes nothing",
    ),
    (server, options) => planRestore(context, server as string, options as RestoreOptions),
  );
  register(
    withTarget(restore.command("run <server>"))
      .description("plan a restore on a worker and, when every check passes, do it")
      .option("--yes", "do what a --delta plan shows")
      .option("--wait", "follow it to its end"),
    (server, options) => runRestore(context, server as string, options as RestoreOptions),
  );
  addDirectRestore(restore, context, register);
}

function withTarget(command: Command): Command {
  return addRecoveryOptions(command)
    .option("--backup <id>", "which backup; the newest restorable one unless told")
    .requiredOption("--to <dir>", "an empty directory the worker may write; with --delta the data directory to rewrite")
    .option("--tablespace <old=new>", "where a tablespace goes; once for each", collectTablespace, [])
    .option("--owner <user>", "who owns the result, where the worker runs as root")
    .option("--delta", "rewrite only what differs in a stopped server's data directory")
    .option("--database <name>", "restore only this database whole; once for each", collectName, []);
}

const Plan = z.object({
  planHash: z.string(),
  ok: z.boolean(),
  sentence: z.string(),
  targetDirectory: z.string(),
  fileCount: z.number(),
  bytesToWrite: z.string(),
  bytesToRead: z.string(),
  equivalentCli: z.string(),
  backup: z.object({ id: z.string() }),
  tablespaces: z.array(z.object({ oid: z.number(), from: z.string(), to: z.string() })),
  checks: z.array(z.object({ id: z.string(), state: z.string(), sentence: z.string() })),
  delta: z
    .object({
      comparedFiles: z.number(),
      comparedBytes: z.string(),
      newFiles: z.number(),
      removedCount: z.number(),
      removedBytes: z.string(),
      removed: z.array(z.string()),
    })
    .nullable(),
  emptiedDatabases: z.array(z.string()),
});
type Plan = z.infer<typeof Plan>;

async function planRestore(context: CommandContext, server: string, options: RestoreOptions): Promise<number> {
  const session = openSession(context, options);
  const { plan } = await makePlan(context, session, server, options);
  printPlan(session.output, plan);
  return plan.ok ? exitCodes.done : exitCodes.failed;
}

async function runRestore(context: CommandContext, server: string, options: RestoreOptions): Promise<number> {
  const session = openSession(context, options);
  const { plan, planRunId } = await makePlan(context, session, server, options);
  if (!plan.ok) {
    printPlan(session.output, plan);
    session.output.note("nothing was written\n");
    return exitCodes.failed;
  }
  if (plan.delta !== null && plan.delta.comparedFiles + plan.delta.removedCount > 0 && options.yes !== true) {
    printPlan(session.output, plan);
    session.output.note("nothing was written; repeat with --yes to do what this plan shows\n");
    return exitCodes.done;
  }
  session.output.note(`${plan.sentence}\n`);
  for (const check of plan.checks) {
    if (check.state === "WARNING") session.output.note(`warning: ${check.sentence}\n`);
  }
  const { runRestore: payload } = await session.api.query(
    z.object({ runRestore: z.object({ run: RunFacts.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: RunRestoreInput!) { runRestore(input: $input) { run { ${runFields} } ${userErrorFields} } }`,
    { input: { planRunId, planHash: plan.planHash } },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.run === null) return exitCodes.failed;
  return startedOrFinished(session, payload.run, options.wait === true);
}

async function makePlan(
  context: CommandContext,
  session: Session,
  server: string,
  options: RestoreOptions,
): Promise<{ plan: Plan; planRunId: string }> {
  const recovery = wantedRecovery(options, context.environment);
  const input = {
    serverId: await findServerId(session.api, server),
    backupId: options.backup ?? null,
    // Relative to where the person stands; the worker of the one-machine form shares that file system.
    targetDirectory: resolve(options.to),
    tablespaces: options.tablespace,
    owner: options.owner ?? null,
    delta: options.delta === true,
    databases: options.database.length === 0 ? null : options.database,
    ...(recovery === null ? {} : { recovery: restoreRecoveryInput(recovery) }),
    ...(options.adopt === true ? { adopt: true } : {}),
  };
  const { planRestore: payload } = await session.api.query(
    z.object({ planRestore: z.object({ run: RunFacts.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: PlanRestoreInput!) { planRestore(input: $input) { run { ${runFields} } ${userErrorFields} } }`,
    { input },
  );
  refuseUserErrors(payload.userErrors);
  const run = await waitForRun(session, payload.run?.id ?? "");
  const answer = await session.api.query(
    z.object({ run: z.object({ restorePlan: Plan }) }),
    `query ($id: ID!) { run(id: $id) { restorePlan { planHash ok sentence targetDirectory fileCount bytesToWrite bytesToRead
      equivalentCli backup { id } tablespaces { oid from to } checks { id state sentence }
      delta { comparedFiles comparedBytes newFiles removedCount removedBytes removed } emptiedDatabases } } }`,
    { id: run.id },
  );
  return { plan: answer.run.restorePlan, planRunId: run.id };
}

function printPlan(output: Output, plan: Plan): void {
  const json = {
    id: plan.planHash,
    state: plan.ok ? "ready" : "refused",
    backupId: plan.backup.id,
    ...plan,
    checks: plan.checks.map((check) => ({ ...check, state: lowerState(check.state) })),
  };
  printOne(output, json, [
    ["plan", plan.ok ? plan.sentence : null],
    ["refused", plan.ok ? null : refusalOf(plan)],
    ["backup", plan.backup.id],
    ["into", plan.targetDirectory],
    [
      "compares",
      plan.delta === null
        ? null
        : `${plan.delta.comparedFiles} files, ${formatBytes(BigInt(plan.delta.comparedBytes))}`,
    ],
    ...(plan.delta?.removed ?? []).slice(0, removedShown).map((path) => ["removes", path] as const),
    [
      "removes in all",
      plan.delta === null ? null : `${plan.delta.removedCount}, ${formatBytes(BigInt(plan.delta.removedBytes))}`,
    ],
    ["writes", `${formatBytes(BigInt(plan.bytesToWrite))} in ${plan.fileCount} files`],
    ["reads", formatBytes(BigInt(plan.bytesToRead))],
    ...plan.tablespaces.map((tablespace) => ["tablespace", `${tablespace.from} → ${tablespace.to}`] as const),
    ...plan.checks.map((check) => [lowerState(check.state), check.sentence] as const),
    ["to do it", plan.ok ? plan.equivalentCli : null],
  ]);
}

/** What the plan would do is not said: it cannot, and with another target it would do something else. */
function refusalOf(plan: Plan): string {
  const failed = plan.checks.filter(({ state }) => state === "FAILED").length;
  return `${failed === 1 ? "one check" : `${failed} checks`} failed; nothing is written, and the backups are untouched`;
}

const removedShown = 20;
