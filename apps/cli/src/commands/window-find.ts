import { AppError } from "@tidemark/kit";
import type { Command } from "commander";
import { z } from "zod";
import { refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { type CommandContext, type CommonOptions, openSession } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { RunFacts, runFields, startedOrFinished, waitForRun } from "../follow-run.ts";
import { FoundMoments, foundMomentsFields, momentsJson, printMoments } from "../found-moments.ts";
import { findServerId } from "../lookup.ts";
import { printOne } from "../output.ts";
import type { Register } from "../program.ts";
import { parseTableName } from "../table-name.ts";
import { parseZonedTime } from "../zoned-time.ts";

interface FindOptions extends CommonOptions {
  readonly database: string;
  readonly table?: string;
  readonly around?: string;
  readonly within?: string;
  readonly from?: string;
  readonly to?: string;
  readonly leastRows?: string;
  readonly timeline?: string;
  readonly most?: string;
  readonly wait?: boolean;
}

/** `tidemark window find`: which transaction took rows or tables away. */
export function addWindowFind(window: Command, context: CommandContext, register: Register): void {
  register(
    window
      .command("find <server>")
      .description("search the archived WAL for what dropped or truncated tables, or deleted or updated many rows")
      .requiredOption("--database <name>", "in this database")
      .option("--table <name>", "only this table with its partitions, as sales.orders; any unless told")
      .option("--around <time>", "with its zone: 2026-11-21T14:02:00Z, … 14:02 Europe/Berlin")
      .option("--within <minutes>", "so long before and after --around; 30 unless told")
      .option("--from <time>", "instead of --around: from then on")
      .option("--to <time>", "until then; now unless told")
      .option("--least-rows <number>", "so many deleted or updated rows are many; 1000 unless told")
      .option("--timeline <number>", "on this timeline; the newest that has WAL of that time unless told")
      .option("--most <number>", "find no more; 100 unless told")
      .option("--wait", "follow the search to its end and print what it found"),
    (server, options) => findMoments(context, server as string, options as FindOptions),
  );
}

async function findMoments(context: CommandContext, server: string, options: FindOptions): Promise<number> {
  const asked = searchInput(options, context.clock.now());
  const session = openSession(context, options);
  const input = { serverId: await findServerId(session.api, server), ...asked };
  const { findMoment } = await session.api.query(
    z.object({ findMoment: z.object({ run: RunFacts.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: FindMomentInput!) { findMoment(input: $input) { run { ${runFields} } ${userErrorFields} } }`,
    { input },
  );
  refuseUserErrors(findMoment.userErrors);
  if (findMoment.run === null) throw new AppError("internal", { message: "findMoment answered with no run" });
  if (options.wait !== true) return await startedOrFinished(session, findMoment.run, false);
  const run = await waitForRun(session, findMoment.run.id);
  const answer = await session.api.query(
    z.object({ run: z.object({ foundMoments: FoundMoments }) }),
    `query ($id: ID!) { run(id: $id) { foundMoments { ${foundMomentsFields} } } }`,
    { id: run.id },
  );
  const { foundMoments } = answer.run;
  const name = run.server?.name ?? server;
  if (session.output.format === "table") printMoments(session.output, name, foundMoments);
  else printOne(session.output, momentsJson(name, run, foundMoments), []);
  return exitCodes.done;
}

/** The flags as GraphQL's `FindMomentInput` has them. Throws `bad-request` for flags that do not go together. */
export function searchInput(options: Omit<FindOptions, "output">, now: Date) {
  const { schema, table } = options.table === undefined ? { schema: null, table: null } : parseTableName(options.table);
  return {
    database: options.database,
    ...(schema === null ? {} : { schema }),
    ...(table === null ? {} : { table }),
    ...spanOf(options, now),
    ...numberOption("--least-rows", "leastRows", options.leastRows),
    ...numberOption("--timeline", "timeline", options.timeline),
    ...numberOption("--most", "mostMoments", options.most),
  };
}

function spanOf({ around, within, from, to }: Omit<FindOptions, "output">, now: Date) {
  if (around !== undefined) {
    if (from !== undefined || to !== undefined) throw misused("--around and --from name two times: give one");
    const { minutes = 30 } = numberOption("--within", "minutes", within);
    const at = parseZonedTime(around).getTime();
    return {
      from: new Date(at - minutes * 60_000).toISOString(),
      to: new Date(at + minutes * 60_000).toISOString(),
    };
  }
  if (within !== undefined) throw misused("--within goes with --around");
  if (from === undefined) throw misused("say when: --around a time, or --from one --to another");
  return { from: parseZonedTime(from).toISOString(), to: (to === undefined ? now : parseZonedTime(to)).toISOString() };
}

function numberOption<Name extends string>(flag: string, name: Name, text: string | undefined) {
  if (text === undefined) return {} as { readonly [Key in Name]?: number };
  if (!/^[1-9]\d{0,8}$/.test(text)) throw misused(`${flag} takes a number from 1 on, not ${text}`);
  return { [name]: Number(text) } as { readonly [Key in Name]?: number };
}

function misused(message: string): AppError {
  return new AppError("bad-request", { message });
}
