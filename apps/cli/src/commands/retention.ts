import type { Command } from "commander";
import { z } from "zod";
import { type ApiClient, refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { type CommandContext, type CommonOptions, openSession } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { RunFacts, runFields, startedOrFinished } from "../follow-run.ts";
import { findServerId } from "../lookup.ts";
import { formatInstant, printList } from "../output.ts";
import type { Register } from "../program.ts";

const Decision = z.object({
  backup: z.object({ id: z.string(), state: z.string(), startedAt: z.string() }),
  reasons: z.array(z.string()),
});
const Preview = z.object({
  planHash: z.string(),
  sentence: z.string(),
  kept: z.array(Decision),
  deleted: z.array(Decision),
});
type Preview = z.infer<typeof Preview>;

interface ApplyOptions extends CommonOptions {
  readonly yes?: boolean;
  readonly wait?: boolean;
}

export function addRetentionCommands(root: Command, context: CommandContext, register: Register): void {
  const retention = root.command("retention").description("which backups are kept, which go, and why");
  register(
    retention.command("preview <server>").description("show what retention would do; changes nothing"),
    (server, options) => preview(context, server as string, options as CommonOptions),
  );
  register(
    retention
      .command("apply <server>")
      .description("delete what the policy no longer keeps; shows the plan, and acts only with --yes")
      .option("--yes", "execute the plan that is shown")
      .option("--wait", "follow it to its end"),
    (server, options) => apply(context, server as string, options as ApplyOptions),
  );
}

async function preview(context: CommandContext, server: string, options: CommonOptions): Promise<number> {
  const { api, output } = openSession(context, options);
  printPreview(output, await fetchPreview(api, await findServerId(api, server)));
  return exitCodes.done;
}

async function apply(context: CommandContext, server: string, options: ApplyOptions): Promise<number> {
  const session = openSession(context, options);
  const serverId = await findServerId(session.api, server);
  const plan = await fetchPreview(session.api, serverId);
  if (options.yes !== true) {
    printPreview(session.output, plan);
    session.output.note("nothing was deleted; repeat with --yes to execute this plan\n");
    return exitCodes.done;
  }
  const { applyRetention } = await session.api.query(
    z.object({ applyRetention: z.object({ run: RunFacts.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: ApplyRetentionInput!) { applyRetention(input: $input) { run { ${runFields} } ${userErrorFields} } }`,
    { input: { serverId, planHash: plan.planHash } },
  );
  refuseUserErrors(applyRetention.userErrors);
  if (applyRetention.run === null) return exitCodes.failed;
  return startedOrFinished(session, applyRetention.run, options.wait === true);
}

async function fetchPreview(api: ApiClient, serverId: string): Promise<Preview> {
  const decision = "backup { id state startedAt } reasons";
  const answer = await api.query(
    z.object({ previewRetention: Preview }),
    `query ($serverId: ID!) { previewRetention(serverId: $serverId) { planHash sentence kept { ${decision} } deleted { ${decision} } } }`,
    { serverId },
  );
  return answer.previewRetention;
}

function printPreview(output: ReturnType<CommandContext["output"]>, plan: Preview): void {
  const rows = [
    ...plan.deleted.map((entry) => ({ ...entry, decision: "delete" })),
    ...plan.kept.map((entry) => ({ ...entry, decision: "keep" })),
  ];
  printList(
    output,
    rows,
    (row) => ({ id: row.backup.id, state: row.decision, startedAt: row.backup.startedAt, reasons: row.reasons }),
    [
      { title: "decision", value: (row) => row.decision },
      { title: "backup", value: (row) => row.backup.id },
      { title: "started", value: (row) => formatInstant(row.backup.startedAt) },
      { title: "why", value: (row) => row.reasons.join("; ") },
    ],
    "no backups yet",
  );
  output.note(`${plan.sentence}\n`);
}
