import { readFileSync } from "node:fs";
import { AppError, formatBytes } from "@tidemark/kit";
import { type Command, Option } from "commander";
import { z } from "zod";
import { refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { printConnectionReport } from "../connection-report.ts";
import { type CommandContext, type CommonOptions, openSession, type Session } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { followRun, RunFacts, runFields, throwUnlessSucceeded, waitForRun } from "../follow-run.ts";
import { fetchAll, findServerId, pageFields } from "../lookup.ts";
import { formatInstant, lowerState, printList, printOne } from "../output.ts";
import type { Register } from "../program.ts";

const ServerFacts = z.object({
  id: z.string(),
  name: z.string(),
  connection: z.string(),
  systemIdentifier: z.string().nullable(),
  serverVersion: z.string().nullable(),
  sizeBytes: z.string().nullable(),
  createdAt: z.string(),
  nextBackupAt: z.string().nullable(),
  protection: z.object({ state: z.string(), reasons: z.array(z.string()) }),
  repository: z.object({ id: z.string(), name: z.string() }),
  policy: z.object({ id: z.string(), name: z.string(), sentence: z.string() }),
  lastBackup: z.object({ id: z.string(), state: z.string(), startedAt: z.string() }).nullable(),
  lastProven: z.object({ id: z.string(), provenAt: z.string().nullable() }).nullable(),
  schedules: z.array(z.object({ kind: z.string(), sentence: z.string(), enabled: z.boolean() })),
});
type ServerFacts = z.infer<typeof ServerFacts>;

const serverFields = `id name connection systemIdentifier serverVersion sizeBytes createdAt nextBackupAt
  protection { state reasons } repository { id name } policy { id name sentence }
  lastBackup { id state startedAt } lastProven { id provenAt } schedules { kind sentence enabled }`;

export function addServerCommands(root: Command, context: CommandContext, register: Register): void {
  const server = root.command("server").description("the PostgreSQL servers kept restorable");
  register(addOptions(server.command("add <name>")), (name, options) =>
    addServer(context, name as string, options as AddOptions),
  );
  register(server.command("list").description("every server and how well it is protected"), (options) =>
    listServers(context, options as CommonOptions),
  );
  register(server.command("show <name>").description("one server"), (name, options) =>
    showServer(context, name as string, options as CommonOptions),
  );
  register(server.command("test <name>").description("test the stored connection step by step"), (name, options) =>
    testServer(context, name as string, options as CommonOptions),
  );
  register(
    server
      .command("remove <name>")
      .description("stop keeping a server; its backups stay in the repository")
      .option("--yes", "do it; without this the consequence is only said"),
    (name, options) => removeServer(context, name as string, options as CommonOptions & { readonly yes?: boolean }),
  );
}

interface AddOptions extends CommonOptions {
  readonly dsn?: string;
  readonly dsnFile?: string;
  readonly repository?: string;
  readonly keepLast?: string;
  readonly windowDays?: string;
  readonly backupCron?: string;
  readonly drillCron?: string;
  readonly zone?: string;
  readonly as?: "member" | "copy";
  readonly firstBackup: boolean;
  readonly wait?: boolean;
}

function addOptions(command: Command): Command {
  return command
    .description("test a server and register it; its first backup starts at once")
    .option("--dsn <dsn>", "connection: postgresql://role@host/… or key=value pairs, with a REPLICATION role")
    .option(
      "--dsn-file <file>",
      "read the connection from a file (- for standard input), so that no process list shows it",
    )
    .option("--repository <name>", "where its backups go; needed when there is more than one")
    .option("--keep-last <n>", "keep the last n backups")
    .option("--window-days <n>", "keep what restores any of the last n days")
    .option("--backup-cron <cron>", "when to back up")
    .option("--drill-cron <cron>", "when to prove a restore")
    .option("--zone <zone>", "time zone of the schedules, for example Europe/Berlin")
    .addOption(
      new Option(
        "--as <choice>",
        "when the same system is registered already: its member, or a copy of its own",
      ).choices(["member", "copy"]),
    )
    .option("--no-first-backup", "register only")
    .option("--wait", "wait for the first backup, too");
}

async function addServer(context: CommandContext, name: string, options: AddOptions): Promise<number> {
  const session = openSession(context, options);
  const dsn = readDsn(options);
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
        firstBackup: options.firstBackup,
      },
    },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.run === null) return exitCodes.failed;
  const tested = await followRun(session.api, payload.run.id, { onEvent: () => undefined });
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

function retentionInput(options: AddOptions): object | null {
  if (options.keepLast === undefined && options.windowDays === undefined) return null;
  return {
    keepLast: wholeNumber("--keep-last", options.keepLast),
    windowDays: wholeNumber("--window-days", options.windowDays),
  };
}

function wholeNumber(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new AppError("bad-request", { message: `${option} takes a whole number from 1 on, not ${text}` });
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

async function listServers(context: CommandContext, options: CommonOptions): Promise<number> {
  const { api, output } = openSession(context, options);
  const servers = await fetchAll(
    api,
    ServerFacts,
    `query ($first: Int!, $after: String) { list: servers(first: $first, after: $after) { nodes { ${serverFields} } ${pageFields} } }`,
  );
  printList(
    output,
    servers,
    serverJson,
    [
      { title: "name", value: (row) => row.name },
      { title: "state", value: (row) => lowerState(row.protection.state) },
      { title: "last backup", value: (row) => formatInstant(row.lastBackup?.startedAt ?? null) },
      { title: "next backup", value: (row) => formatInstant(row.nextBackupAt) },
      { title: "last proven", value: (row) => formatInstant(row.lastProven?.provenAt ?? null) },
      {
        title: "size",
        value: (row) => (row.sizeBytes === null ? "–" : formatBytes(BigInt(row.sizeBytes))),
        alignRight: true,
      },
      { title: "version", value: (row) => row.serverVersion ?? "–" },
    ],
    "no servers yet: add one with `tidemark server add NAME --dsn DSN`",
  );
  return exitCodes.done;
}

async function showServer(context: CommandContext, name: string, options: CommonOptions): Promise<number> {
  const session = openSession(context, options);
  printServer(session, await fetchServer(session, name));
  return exitCodes.done;
}

async function fetchServer(session: Session, name: string): Promise<ServerFacts> {
  const id = await findServerId(session.api, name);
  const { server } = await session.api.query(
    z.object({ server: ServerFacts.nullable() }),
    `query ($id: ID!) { server(id: $id) { ${serverFields} } }`,
    { id },
  );
  if (server === null) throw new AppError("not-found", { message: `server ${name} was removed meanwhile` });
  return server;
}

function printServer(session: Session, server: ServerFacts): void {
  printOne(session.output, serverJson(server), [
    ["name", server.name],
    ["id", server.id],
    ["state", lowerState(server.protection.state)],
    ["because", server.protection.reasons.join("; ") || null],
    ["connection", server.connection],
    ["version", server.serverVersion],
    ["system", server.systemIdentifier],
    ["size", server.sizeBytes === null ? null : formatBytes(BigInt(server.sizeBytes))],
    ["repository", server.repository.name],
    ["keeps", server.policy.sentence],
    ...server.schedules.map(
      (schedule) => [lowerState(schedule.kind), schedule.enabled ? schedule.sentence : "off"] as const,
    ),
    [
      "last backup",
      server.lastBackup === null ? null : `${formatInstant(server.lastBackup.startedAt)} ${server.lastBackup.id}`,
    ],
    [
      "last proven",
      server.lastProven === null ? null : `${formatInstant(server.lastProven.provenAt)} ${server.lastProven.id}`,
    ],
    ["next backup", server.nextBackupAt === null ? null : formatInstant(server.nextBackupAt)],
  ]);
}

function serverJson(server: ServerFacts): object {
  return {
    id: server.id,
    state: lowerState(server.protection.state),
    name: server.name,
    reasons: server.protection.reasons,
    connection: server.connection,
    systemIdentifier: server.systemIdentifier,
    serverVersion: server.serverVersion,
    sizeBytes: server.sizeBytes,
    repository: server.repository.name,
    policy: server.policy.name,
    lastBackupId: server.lastBackup?.id ?? null,
    lastBackupAt: server.lastBackup?.startedAt ?? null,
    lastProvenAt: server.lastProven?.provenAt ?? null,
    nextBackupAt: server.nextBackupAt,
    createdAt: server.createdAt,
  };
}

async function testServer(context: CommandContext, name: string, options: CommonOptions): Promise<number> {
  const session = openSession(context, options);
  const serverId = await findServerId(session.api, name);
  const { testConnection } = await session.api.query(
    z.object({ testConnection: z.object({ run: RunFacts.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: TestConnectionInput!) { testConnection(input: $input) { run { ${runFields} } ${userErrorFields} } }`,
    { input: { serverId } },
  );
  refuseUserErrors(testConnection.userErrors);
  if (testConnection.run === null) return exitCodes.failed;
  const run = await followRun(session.api, testConnection.run.id, { onEvent: () => undefined });
  const ok = await printConnectionReport(session, run.id);
  if (ok === null) throwUnlessSucceeded(run);
  return ok === true ? exitCodes.done : exitCodes.failed;
}

async function removeServer(
  context: CommandContext,
  name: string,
  options: CommonOptions & { readonly yes?: boolean },
): Promise<number> {
  const { api, output } = openSession(context, options);
  const id = await findServerId(api, name);
  if (options.yes !== true) {
    output.note(
      `${name} would no longer be backed up; the backups it has stay in the repository. Repeat with --yes to do it.\n`,
    );
    return exitCodes.done;
  }
  const { removeServer: payload } = await api.query(
    z.object({
      removeServer: z.object({
        removedId: z.string().nullable(),
        sentence: z.string().nullable(),
        userErrors: z.array(UserError),
      }),
    }),
    `mutation ($input: RemoveServerInput!) { removeServer(input: $input) { removedId sentence ${userErrorFields} } }`,
    { input: { id, confirmName: name } },
  );
  refuseUserErrors(payload.userErrors);
  printOne(output, { id, state: "removed" }, [["removed", payload.sentence ?? name]]);
  return exitCodes.done;
}
