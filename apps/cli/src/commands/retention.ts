import { AppError, formatBytes } from "@tidemark/kit";
import type { Command } from "commander";
import { z } from "zod";
import { type ApiClient, refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { type CommandContext, type CommonOptions, openSession } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { RunFacts, runFields, startedOrFinished } from "../follow-run.ts";
import { findServerId } from "../lookup.ts";
import { formatInstant, printList } from "../output.ts";
import type { Register } from "../program.ts";
import { type RetentionOptions, retentionInput, withRetentionOptions } from "../retention-rules.ts";

const Decision = z.object({
  backup: z.object({ id: z.string(), state: z.string(), startedAt: z.string() }),
  reasons: z.array(z.string()),
});
const WalTotals = z.object({
  segments: z.number(),
  storedBytes: z.string(),
  ranges: z.array(
    z.object({
      timeline: z.number(),
      fromLsn: z.string(),
      toLsn: z.string(),
      segments: z.number(),
      storedBytes: z.string(),
      reason: z.string(),
    }),
  ),
});
const WalPreview = z.object({ removed: WalTotals, kept: WalTotals, sentence: z.string() }).nullable();
const Preview = z.object({
  planHash: z.string(),
  sentence: z.string(),
  kept: z.array(Decision),
  deleted: z.array(Decision),
  wal: WalPreview,
  copies: z.object({ sentence: z.string(), deleted: z.array(Decision), wal: WalPreview }).nullable(),
});
type Preview = z.infer<typeof Preview>;

const Forecast = z.object({
  at: z.string(),
  sentence: z.string(),
  kept: z.array(
    z.object({ backup: z.object({ id: z.string() }).nullable(), startedAt: z.string(), reasons: z.array(z.string()) }),
  ),
  deleted: z.array(
    z.object({
      backup: z.object({ id: z.string(), startedAt: z.string() }),
      deletedAt: z.string(),
      reasons: z.array(z.string()),
    }),
  ),
});
const ServerPolicy = z.object({ id: z.string(), policy: z.object({ sentence: z.string() }) });

interface RuleOptions extends CommonOptions, RetentionOptions {}

interface SimulateOptions extends RuleOptions {
  readonly at: string;
}

interface ApplyOptions extends CommonOptions {
  readonly yes?: boolean;
  readonly wait?: boolean;
}

export function addRetentionCommands(root: Command, context: CommandContext, register: Register): void {
  const retention = root.command("retention").description("which backups are kept, which go, and why");
  register(
    withRules(retention.command("preview <server>")).description(
      "show what retention would do, with the server's rules or those given; changes nothing",
    ),
    (server, options) => preview(context, server as string, options as RuleOptions),
  );
  register(
    withRules(retention.command("simulate <server>"))
      .description("show what there would be at a date to come, with the server's rules or those given")
      .requiredOption("--at <date>", "a date (2027-03-01), an instant, or from now on: +30d, +12w, +6m, +2y"),
    (server, options) => simulate(context, server as string, options as SimulateOptions),
  );
  register(
    withRules(retention.command("set <server>")).description("give the server these rules instead of those it has"),
    (server, options) => set(context, server as string, options as RuleOptions),
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

function withRules(command: Command): Command {
  return withRetentionOptions(command).option("--zone <zone>", "where days begin, for example Europe/Berlin");
}

async function preview(context: CommandContext, server: string, options: RuleOptions): Promise<number> {
  const { api, output } = openSession(context, options);
  printPreview(output, await fetchPreview(api, await findServerId(api, server), retentionInput(options)));
  return exitCodes.done;
}

async function simulate(context: CommandContext, server: string, options: SimulateOptions): Promise<number> {
  const { api, output } = openSession(context, options);
  const variables = {
    serverId: await findServerId(api, server),
    at: readDate(options.at, context.clock.now()),
    policy: retentionInput(options),
  };
  const { simulateRetention: forecast } = await api.query(
    z.object({ simulateRetention: Forecast }),
    `query ($serverId: ID!, $at: DateTime!, $policy: RetentionInput) {
      simulateRetention(serverId: $serverId, at: $at, policy: $policy) {
        at sentence kept { backup { id } startedAt reasons } deleted { backup { id startedAt } deletedAt reasons }
      }
    }`,
    variables,
  );
  const rows = [
    ...forecast.deleted.map(({ backup, deletedAt, reasons }) => ({ ...backup, state: "gone", deletedAt, reasons })),
    ...forecast.kept.map(({ backup, startedAt, reasons }) => {
      return {
        id: backup?.id ?? null,
        startedAt,
        state: backup === null ? "foretold" : "kept",
        deletedAt: null,
        reasons,
      };
    }),
  ];
  printList(
    output,
    rows,
    (row) => row,
    [
      { title: "state", value: (row) => row.state },
      { title: "backup", value: (row) => row.id ?? "" },
      { title: "started", value: (row) => formatInstant(row.startedAt) },
      { title: "gone", value: (row) => (row.deletedAt === null ? "" : formatInstant(row.deletedAt)) },
      { title: "why", value: (row) => row.reasons.join("; ") },
    ],
    "no backups then",
  );
  output.note(`at ${formatInstant(forecast.at)}: ${forecast.sentence}\n`);
  return exitCodes.done;
}

async function set(context: CommandContext, server: string, options: RuleOptions): Promise<number> {
  const { api, output } = openSession(context, options);
  const retention = retentionInput(options);
  if (retention === null) {
    throw new AppError("bad-request", {
      message: "no rule was given",
      hint: 'for example --keep-last 7, --weekly 4, or --retention "7,4,12,5"; nothing was changed',
    });
  }
  const { updateServer: payload } = await api.query(
    z.object({ updateServer: z.object({ server: ServerPolicy.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: UpdateServerInput!) { updateServer(input: $input) { server { id policy { sentence } } ${userErrorFields} } }`,
    { input: { id: await findServerId(api, server), retention } },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.server === null) return exitCodes.failed;
  output.note(`the policy ${payload.server.policy.sentence}; nothing is deleted until retention runs\n`);
  printPreview(output, await fetchPreview(api, payload.server.id, null));
  return exitCodes.done;
}

/** `2027-03-01`, an instant, or so many days, weeks, months or years from now on. */
function readDate(text: string, now: Date): string {
  const distance = /^\+(\d{1,5})([dwmy])$/.exec(text);
  const at = distance === null ? new Date(text) : new Date(now);
  const count = Number(distance?.[1] ?? 0);
  if (distance?.[2] === "d") at.setUTCDate(at.getUTCDate() + count);
  if (distance?.[2] === "w") at.setUTCDate(at.getUTCDate() + 7 * count);
  if (distance?.[2] === "m") at.setUTCMonth(at.getUTCMonth() + count);
  if (distance?.[2] === "y") at.setUTCFullYear(at.getUTCFullYear() + count);
  if (!Number.isNaN(at.getTime())) return at.toISOString();
  throw new AppError("bad-request", {
    message: `--at ${text} is no date`,
    hint: "for example 2027-03-01, 2027-03-01T12:00:00Z, +30d, +12w, +6m or +2y",
  });
}

async function apply(context: CommandContext, server: string, options: ApplyOptions): Promise<number> {
  const session = openSession(context, options);
  const serverId = await findServerId(session.api, server);
  const plan = await fetchPreview(session.api, serverId, null);
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

async function fetchPreview(api: ApiClient, serverId: string, policy: object | null): Promise<Preview> {
  const decision = "backup { id state startedAt } reasons";
  const totals = "{ segments storedBytes ranges { timeline fromLsn toLsn segments storedBytes reason } }";
  const wal = `wal { removed ${totals} kept ${totals} sentence }`;
  const answer = await api.query(
    z.object({ previewRetention: Preview }),
    `query ($serverId: ID!, $policy: RetentionInput) { previewRetention(serverId: $serverId, policy: $policy) { planHash sentence kept { ${decision} } deleted { ${decision} } ${wal} copies { sentence deleted { ${decision} } ${wal} } } }`,
    { serverId, policy },
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
  noteWal(output, plan.wal);
  if (plan.copies === null) return;
  for (const { backup, reasons } of plan.copies.deleted) {
    output.note(`in the second repository ${backup.id} goes: ${reasons.join("; ")}\n`);
  }
  output.note(`in the second repository: ${plan.copies.sentence}\n`);
  noteWal(output, plan.copies.wal);
}

/** What becomes of the WAL: what goes and what stays, range by range, each with its reason. */
function noteWal(output: ReturnType<CommandContext["output"]>, wal: z.infer<typeof WalPreview>): void {
  if (wal === null) return;
  output.note(`${wal.sentence}\n`);
  for (const [what, { ranges }] of [["goes", wal.removed] as const, ["stays", wal.kept] as const]) {
    for (const { timeline, fromLsn, toLsn, segments, storedBytes, reason } of ranges) {
      const size = `${segments} segments, ${formatBytes(BigInt(storedBytes))}`;
      output.note(`  WAL of timeline ${timeline}, ${fromLsn} to ${toLsn} (${size}) ${what}: ${reason}\n`);
    }
  }
}
