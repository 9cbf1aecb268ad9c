import { AppError, formatBytes } from "@tidemark/kit";
import { type Command, Option } from "commander";
import { z } from "zod";
import { refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { fetchClone, printClone } from "../clone-facts.ts";
import { type CommandContext, type CommonOptions, openSession } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { RunFacts, runFields, startedOrFinished, throwUnlessSucceeded, waitForRun } from "../follow-run.ts";
import { parseHours } from "../hours-option.ts";
import { printOne } from "../output.ts";
import type { Register } from "../program.ts";
import { addTargetOptions, type TargetOptions, trialTargetInput } from "../recovery-options.ts";
import { parseResult, runToEnd } from "../server-run.ts";

interface WaitOptions extends CommonOptions {
  readonly wait?: boolean;
}

interface ExtractOptions extends CommonOptions {
  readonly database: string;
  readonly schema?: string;
  readonly format: "csv" | "sql";
}

export function addCloneActCommands(clone: Command, context: CommandContext, register: Register): void {
  const wait = "follow it to its end";
  register(
    addTargetOptions(
      clone.command("move <id>").description("move a paused clone on to a later target; never backwards"),
    ).option("--wait", wait),
    (id, options) => moveClone(context, id as string, options as TargetOptions & WaitOptions),
  );
  register(
    clone.command("promote <id>").description("let it take writes; it cannot be moved on then").option("--wait", wait),
    (id, options) => act(context, "promoteClone", { id }, options as WaitOptions),
  );
  register(
    clone
      .command("extend <id>")
      .description("let it live longer")
      .requiredOption("--hours <n>", "so long from now on", parseHours),
    (id, options) => extendClone(context, id as string, options as CommonOptions & { readonly hours: number }),
  );
  register(
    clone
      .command("extract <id> <table>")
      .description("write a table of it into a file on its machine; waits, and says where")
      .requiredOption("--database <name>", "in which database")
      .option("--schema <name>", "in which schema (public unless told)")
      .addOption(
        new Option("--format <format>", "csv, or sql that makes the table again")
          .choices(["csv", "sql"])
          .default("csv"),
      ),
    (id, table, options) => extract(context, { id: id as string, table: table as string }, options as ExtractOptions),
  );
  register(
    clone.command("connection <id>").description("print its connection string, password included"),
    (id, options) => connection(context, id as string, options as CommonOptions),
  );
  register(
    clone.command("end <id>").description("end it now and give its space back").option("--wait", wait),
    (id, options) => act(context, "endClone", { id }, options as WaitOptions),
  );
}

async function moveClone(context: CommandContext, id: string, options: TargetOptions & WaitOptions): Promise<number> {
  const target = trialTargetInput(options);
  if (target === null) throw new AppError("bad-request", { message: "say to where with one of the --target-… flags" });
  return act(context, "moveClone", { id, target }, options);
}

async function act(context: CommandContext, mutation: string, input: object, options: WaitOptions): Promise<number> {
  const session = openSession(context, options);
  const inputType = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`;
  const { payload } = await session.api.query(
    z.object({ payload: z.object({ run: RunFacts.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: ${inputType}!) { payload: ${mutation}(input: $input) { run { ${runFields} } ${userErrorFields} } }`,
    { input },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.run === null) return exitCodes.failed;
  return startedOrFinished(session, payload.run, options.wait === true);
}

async function extendClone(
  context: CommandContext,
  id: string,
  options: CommonOptions & { readonly hours: number },
): Promise<number> {
  const session = openSession(context, options);
  const { extendClone: payload } = await session.api.query(
    z.object({ extendClone: z.object({ userErrors: z.array(UserError) }) }),
    `mutation ($input: ExtendCloneInput!) { extendClone(input: $input) { ${userErrorFields} } }`,
    { input: { id, hours: options.hours } },
  );
  refuseUserErrors(payload.userErrors);
  printClone(session.output, await fetchClone(session, id));
  return exitCodes.done;
}

const Extracted = z.object({ extract: z.object({ path: z.string(), rows: z.number(), characters: z.number() }) });

async function extract(
  context: CommandContext,
  { id, table }: { readonly id: string; readonly table: string },
  options: ExtractOptions,
): Promise<number> {
  const session = openSession(context, options);
  const { database, schema } = options;
  const input = { id, database, schema: schema ?? null, table, format: options.format.toUpperCase() };
  const run = await runToEnd(session, "extractFromClone", input);
  throwUnlessSucceeded(run);
  const { extract: file } = parseResult(Extracted, run.result);
  const clone = await fetchClone(session, id);
  printOne(session.output, { id, runId: run.id, hostname: clone.hostname, ...file }, [
    ["file", file.path],
    ["on", clone.hostname],
    ["rows", String(file.rows)],
    ["size", formatBytes(BigInt(file.characters))],
  ]);
  return exitCodes.done;
}

/** Prints the string alone, so that `psql "$(tidemark clone connection ID)"` works. */
async function connection(context: CommandContext, id: string, options: CommonOptions): Promise<number> {
  const session = openSession(context, options);
  const { revealCloneConnection: payload } = await session.api.query(
    z.object({
      revealCloneConnection: z.object({
        run: RunFacts.nullable(),
        downloadToken: z.string().nullable(),
        userErrors: z.array(UserError),
      }),
    }),
    `mutation ($input: RevealCloneConnectionInput!) { revealCloneConnection(input: $input) {
      run { ${runFields} } downloadToken ${userErrorFields} } }`,
    { input: { id } },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.run === null || payload.downloadToken === null) return exitCodes.failed;
  await waitForRun(session, payload.run.id);
  const path = `/api/v1/clones/${encodeURIComponent(id)}/connection?run=${payload.run.id}`;
  const text = await session.api.download(path, { "x-download-token": payload.downloadToken });
  if (session.output.format === "table") session.output.write(`${text.trim()}\n`);
  else printOne(session.output, { id, connection: text.trim() }, []);
  return exitCodes.done;
}
