import { readFileSync } from "node:fs";
import { AppError } from "@tidemark/kit";
import { type Command, Option } from "commander";
import { z } from "zod";
import { refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { printConnectionReport } from "../connection-report.ts";
import { type CommandContext, type CommonOptions, openSession, type Session } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { followRun, RunFacts, runFields, throwUnlessSucceeded, waitForRun } from "../follow-run.ts";
import { resolveLocalDsn } from "../local-dsn.ts";
import { fetchAll, pageFields } from "../lookup.ts";
import type { Register } from "../program.ts";
import { type RetentionOptions, retentionInput, withRetentionOptions } from "../retention-rules.ts";
import { fetchServer, printServer } from "../server-facts.ts";
import { type WalMode, walModes, walModeText } from "../wal-mode.ts";

export function addServerAddCommand(server: Command, context: CommandContext, register: Register): void {
  register(addOptions(server.command("add <name>")), (name, options) =>
    addServer(context, name as string, options as AddOptions),
  );
}

interface AddOptions extends CommonOptions, RetentionOptions {
  readonly dsn?: string;
  readonly dsnFile?: string;
  readonly repository?: string;
  readonly backupCron?: string;
  readonly drillCron?: string;
  readonly as?: "member" | "copy";
  readonly wal?: WalMode;
  readonly slot?: string;
  readonly synchronous?: boolean;
  readonly firstBackup: boolean;
  readonly wait?: boolean;
}

function addOptions(command: Command): Command {
  return withRetentionOptions(command)
    .description("test a server and register it; its first backup starts at once")
    .option(
      "--dsn <dsn>",
      "connection: postgresql://role@host/…, key=value pairs or service=NAME, with a REPLICATION role or one that may read files; a password may come from ~/.pgpass",
    )
    .option(
      "--dsn-file <file>",
      "read the connection from a file (- for standard input), so that no process list shows it",
    )
    .option("--repository <name>", "where its backups go; needed when there is more than one")
    .option("--backup-cron <cron>", "when to back up")
    .option("--drill-cron <cron>", "when to prove a restore")
    .option("--zone <zone>", "time zone of the schedules and of retention's days, for example Europe/Berlin")
    .addOption(
      new Option(
        "--as <choice>",
        "when the same system is registered already: its member, or a copy of its own",
      ).choices(["member", "copy"]),
    )
    .addOption(new Option("--wal <mode>", `${walModeText}; stream when left out`).choices(walModes))
    .option("--slot <name>", "the physical slot to stream from: tidemark or tidemark_…; one of its own when left out")
    .option("--synchronous", "commits may wait for us; name tidemark_sync in synchronous_standby_names")
    .option("--no-first-backup", "register only")
    .option("--wait", "wait for the first backup, too");
}

async function addServer(context: CommandContext, name: string, options: AddOptions): Promise<number> {
  const session = openSession(context, options);
  const { dsn, warnings } = await resolveLocalDsn(readDsn(options), context.environment);
  for (const warning of warnings) session.output.note(`${warning}\n`);
  const repositoryId = options.repository === undefined ? null : await findRepositoryId(session, options.repository);
  const { addServer: payload } = await session.api.query(
    z.object({ addServer: z.object({ run: RunFacts.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: AddServerInput!) { addServer(input: $input) { run { ${runFields} } ${userErrorFields} } }`,
    {
      input: {
        name,
        dsn,
        repositoryId,
        retention: retentionInput(options),
        backupCron: options.backupCron ?? null,
        drillCron: options.drillCron ?? null,
        zone: options.zone ?? null,
        sameSystemAs: options.as?.toUpperCase() ?? null,
        walMode: options.wal?.toUpperCase() ?? null,
        walSlot: options.slot ?? null,
        synchronous: options.synchronous ?? null,
        firstBackup: options.firstBackup,
      },
    },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.run === null) return exitCodes.failed;
  const tested = await followRun(session.api, payload.run.id, { onEvent: () => undefined, note: session.output.note });
  if (tested.state !== "SUCCEEDED") await printConnectionReport(session, tested.id);
  throwUnlessSucceeded(tested);
  const added = await fetchServer(session, name);
  if (options.wait === true && options.firstBackup) await waitForFirstBackup(session, added.id);
  printServer(session, await fetchServer(session, name));
  return exitCodes.done;
}

function readDsn(options: AddOptions): string {
  if ((options.dsn === undefined) === (options.dsnFile === undefined)) {
    throw new AppError("bad-request", {
      message: "give the connection once: --dsn DSN or --dsn-file FILE",
      hint: "for example --dsn 'postgresql://tidemark@db.example.com:5432/postgres'",
    });
  }
  if (options.dsn !== undefined) return options.dsn;
  const file = options.dsnFile === "-" ? 0 : (options.dsnFile ?? "");
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new AppError("bad-request", { message: `the connection cannot be read from ${options.dsnFile}`, cause });
  }
}

async function findRepositoryId(session: Session, name: string): Promise<string> {
  const Repository = z.object({ id: z.string(), name: z.string() });
  const all = await fetchAll(
    session.api,
    Repository,
    `query ($first: Int!, $after: String) { list: repositories(first: $first, after: $after) { nodes { id name } ${pageFields} } }`,
  );
  const found = all.find((repository) => repository.name === name || repository.id === name);
  if (found !== undefined) return found.id;
  throw new AppError("not-found", {
    message: `there is no repository ${name}`,
    hint: "`tidemark repository list` shows the names",
  });
}

async function waitForFirstBackup(session: Session, serverId: string): Promise<void> {
  const [run] = await fetchAll(
    session.api,
    RunFacts,
    `query ($first: Int!, $after: String, $serverId: ID) {
      list: runs(first: $first, after: $after, serverId: $serverId, kinds: [BACKUP]) { nodes { ${runFields} } ${pageFields} } }`,
    { serverId },
    1,
  );
  if (run !== undefined) await waitForRun(session, run.id);
}
