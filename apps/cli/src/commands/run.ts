import { AppError } from "@tidemark/kit";
import type { Command } from "commander";
import { z } from "zod";
import { refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { type CommandContext, type CommonOptions, openSession } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import {
  fetchRun,
  followRun,
  printRun,
  RunFacts,
  runFields,
  runJson,
  throwUnlessSucceeded,
  waitForRun,
} from "../follow-run.ts";
import { fetchAll, findServerId, pageFields } from "../lookup.ts";
import { formatInstant, lowerState, printList, printOne } from "../output.ts";
import type { Register } from "../program.ts";

export function addRunCommands(root: Command, context: CommandContext, register: Register): void {
  const run = root.command("run").description("what was done and is being done");
  register(
    run
      .command("list")
      .description("runs, newest first")
      .option("--server <name>", "only of this server")
      .option("--limit <n>", "at most so many", parseLimit, 50),
    (options) => listRuns(context, options as ListOptions),
  );
  register(run.command("show <id>").description("one run and its log"), (id, options) =>
    showRun(context, id as string, options as CommonOptions),
  );
  register(run.command("watch <id>").description("follow a run to its end"), (id, options) =>
    watchRun(context, id as string, options as CommonOptions),
  );
  register(run.command("evidence <id>").description("everything there is to show of a drill, as JSON"), (id, options) =>
    printEvidence(context, id as string, options as CommonOptions),
  );
  register(run.command("cancel <id>").description("ask a run to stop; says what that leaves behind"), (id, options) =>
    cancelRun(context, id as string, options as CommonOptions),
  );
}

/** JSON whatever the format: it is a file for other people's archives. */
async function printEvidence(context: CommandContext, id: string, options: CommonOptions): Promise<number> {
  const { api, output } = openSession(context, options);
  const evidence: unknown = JSON.parse(await api.download(`/api/v1/runs/${encodeURIComponent(id)}/evidence`, {}));
  output.write(`${JSON.stringify(evidence, null, options.output === "ndjson" ? undefined : 2)}\n`);
  return exitCodes.done;
}

interface ListOptions extends CommonOptions {
  readonly server?: string;
  readonly limit: number;
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new AppError("bad-request", { message: `--limit takes a whole number from 1 on, not ${text}` });
  }
  return limit;
}

async function listRuns(context: CommandContext, options: ListOptions): Promise<number> {
  const { api, output } = openSession(context, options);
  const serverId = options.server === undefined ? null : await findServerId(api, options.server);
  const runs = await fetchAll(
    api,
    RunFacts,
    `query ($first: Int!, $after: String, $serverId: ID) {
      list: runs(first: $first, after: $after, serverId: $serverId) { nodes { ${runFields} } ${pageFields} } }`,
    { serverId },
    options.limit,
  );
  printList(
    output,
    runs,
    runJson,
    [
      { title: "id", value: (row) => row.id },
      { title: "kind", value: (row) => lowerState(row.kind) },
      { title: "state", value: (row) => lowerState(row.state) },
      { title: "server", value: (row) => row.server?.name ?? "–" },
      { title: "created", value: (row) => formatInstant(row.createdAt) },
      { title: "by", value: (row) => row.requestedBy },
      { title: "says", value: (row) => row.error?.code ?? row.waitingReason ?? row.phase ?? "" },
    ],
    "no runs yet",
  );
  return exitCodes.done;
}

async function showRun(context: CommandContext, id: string, options: CommonOptions): Promise<number> {
  const { api, output } = openSession(context, options);
  const run = await fetchRun(api, id);
  printOne(output, runJson(run), [
    ["id", run.id],
    ["kind", lowerState(run.kind)],
    ["state", lowerState(run.state)],
    ["server", run.server?.name ?? null],
    ["backup", run.backup?.id ?? null],
    ["waiting", run.waitingReason],
    ["phase", run.phase],
    ["asked by", run.requestedBy],
    ["created", formatInstant(run.createdAt)],
    ["started", run.startedAt === null ? null : formatInstant(run.startedAt)],
    ["finished", run.finishedAt === null ? null : formatInstant(run.finishedAt)],
    ["error", run.error === null ? null : `${run.error.message} [${run.error.code}]`],
    ["next", run.error?.hint ?? null],
  ]);
  if (output.format === "table") {
    const log = await fetchLog(api, id);
    for (const event of log) output.write(`${formatInstant(event.at)}  ${event.message}\n`);
  }
  return exitCodes.done;
}

const LogEvent = z.object({ seq: z.number(), at: z.string(), message: z.string() });

async function fetchLog(api: Parameters<typeof fetchRun>[0], id: string): Promise<readonly z.infer<typeof LogEvent>[]> {
  const events: z.infer<typeof LogEvent>[] = [];
  for (;;) {
    const { run } = await api.query(
      z.object({ run: z.object({ events: z.array(LogEvent) }).nullable() }),
      `query ($id: ID!, $after: Int!) { run(id: $id) { events(afterSeq: $after, first: 100) { seq at message } } }`,
      { id, after: events.at(-1)?.seq ?? 0 },
    );
    if (run === null || run.events.length === 0) return events;
    events.push(...run.events);
  }
}

async function watchRun(context: CommandContext, id: string, options: CommonOptions): Promise<number> {
  const session = openSession(context, options);
  if (session.output.format === "ndjson") {
    const write = (event: object): void => session.output.write(`${JSON.stringify(event)}\n`);
    throwUnlessSucceeded(await followRun(session.api, id, { onEvent: write, note: session.output.note }));
    return exitCodes.done;
  }
  printRun(session.output, await waitForRun(session, id));
  return exitCodes.done;
}

async function cancelRun(context: CommandContext, id: string, options: CommonOptions): Promise<number> {
  const { api, output } = openSession(context, options);
  const { cancelRun: payload } = await api.query(
    z.object({
      cancelRun: z.object({
        run: RunFacts.extend({ cancelEffect: z.string().nullable() }).nullable(),
        userErrors: z.array(UserError),
      }),
    }),
    `mutation ($input: CancelRunInput!) { cancelRun(input: $input) { run { ${runFields} cancelEffect } ${userErrorFields} } }`,
    { input: { id } },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.run !== null) {
    printRun(output, payload.run);
    if (payload.run.cancelEffect !== null) output.note(`${payload.run.cancelEffect}\n`);
  }
  return exitCodes.done;
}
