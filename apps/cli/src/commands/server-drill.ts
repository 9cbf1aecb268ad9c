import type { Command } from "commander";
import { z } from "zod";
import { refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { type CommandContext, type CommonOptions, openSession } from "../context.ts";
import { addDrillOptions, type DrillOptions, drillInput } from "../drill-options.ts";
import { exitCodes } from "../exit-code.ts";
import { RunFacts, runFields, startedOrFinished } from "../follow-run.ts";
import { findServerId } from "../lookup.ts";
import { type Output, printOne } from "../output.ts";
import type { Register } from "../program.ts";

type DrillCommandOptions = DrillOptions & CommonOptions & { readonly wait?: boolean };

export function addServerDrillCommands(server: Command, context: CommandContext, register: Register): void {
  register(
    addDrillOptions(
      server.command("drill <name>").description("restore it to a target from the backup that fits, check, throw away"),
    ).option("--wait", "follow it to its end"),
    (name, options) => drillServer(context, name as string, options as DrillCommandOptions),
  );
  register(
    addDrillOptions(
      server.command("drill-settings <name>").description("how its drills are done; shown when nothing is changed"),
    ).option("--reset", "as usual again"),
    (name, options) =>
      drillSettings(context, name as string, options as DrillOptions & CommonOptions & { readonly reset?: boolean }),
  );
}

async function drillServer(context: CommandContext, name: string, options: DrillCommandOptions): Promise<number> {
  const session = openSession(context, options);
  const input = { ...(await drillInput(options)), serverId: await findServerId(session.api, name) };
  const { drillServer: payload } = await session.api.query(
    z.object({ drillServer: z.object({ run: RunFacts.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: DrillServerInput!) { drillServer(input: $input) { run { ${runFields} } ${userErrorFields} } }`,
    { input },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.run === null) return exitCodes.failed;
  return startedOrFinished(session, payload.run, options.wait === true);
}

const Settings = z.object({
  target: z.record(z.string(), z.unknown()).nullable(),
  behindSeconds: z.number().nullable(),
  timeline: z.string(),
  expectations: z.object({
    rows: z.array(
      z.object({ database: z.string(), table: z.string(), rows: z.number(), tolerancePercent: z.number() }),
    ),
    sql: z.array(z.object({ name: z.string(), database: z.string(), sql: z.string(), expected: z.unknown() })),
    estimateTolerancePercent: z.number().nullable(),
  }),
  maxBytes: z.string().nullable(),
  checkSeconds: z.number(),
  replaySeconds: z.number(),
});
type Settings = z.infer<typeof Settings>;
const settingsFields = `drillSettings { target behindSeconds timeline maxBytes checkSeconds replaySeconds expectations {
  rows { database table rows tolerancePercent } sql { name database sql expected } estimateTolerancePercent } }`;

async function drillSettings(
  context: CommandContext,
  name: string,
  options: DrillOptions & CommonOptions & { readonly reset?: boolean },
): Promise<number> {
  const session = openSession(context, options);
  const wanted = await drillInput(options);
  const id = await findServerId(session.api, name);
  const Shape = z.object({ drillSettings: Settings });
  if (options.reset !== true && Object.keys(wanted).length === 0) {
    const { server } = await session.api.query(
      z.object({ server: Shape }),
      `query ($id: ID!) { server(id: $id) { ${settingsFields} } }`,
      { id },
    );
    printSettings(session.output, server.drillSettings);
    return exitCodes.done;
  }
  const { updateServer: payload } = await session.api.query(
    z.object({ updateServer: z.object({ server: Shape.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: UpdateServerInput!) { updateServer(input: $input) { server { ${settingsFields} } ${userErrorFields} } }`,
    { input: { id, drillSettings: wanted } },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.server === null) return exitCodes.failed;
  printSettings(session.output, payload.server.drillSettings);
  return exitCodes.done;
}

function printSettings(output: Output, settings: Settings): void {
  const { expectations } = settings;
  printOne(output, settings, [
    ["to", targetText(settings)],
    ["timeline", settings.timeline],
    ...expectations.rows.map(
      ({ database, table, rows, tolerancePercent }) =>
        ["rows", `${database}.${table}=${rows}${tolerancePercent === 0 ? "" : `±${tolerancePercent}%`}`] as const,
    ),
    ...expectations.sql.map(({ name, database }) => ["question", `${name} (in ${database})`] as const),
    [
      "estimates",
      expectations.estimateTolerancePercent === null ? null : `within ${expectations.estimateTolerancePercent}%`,
    ],
    ["largest copy", settings.maxBytes === null ? null : `${settings.maxBytes} bytes`],
    ["checks", `${settings.checkSeconds} s at most`],
    ["replay", `${settings.replaySeconds} s at most`],
  ]);
}

function targetText({ target, behindSeconds }: Settings): string {
  if (behindSeconds !== null) return `${behindSeconds} s before the last archived commit`;
  if (target === null) return "the end of the archived WAL, or of the backup where there is none";
  const { kind, inclusive, ...place } = target;
  return [kind, ...Object.values(place), inclusive === false ? "(exclusive)" : null].filter(Boolean).join(" ");
}
