import { formatBytes } from "@tidemark/kit";
import type { Command } from "commander";
import { z } from "zod";
import { refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { printConnectionReport } from "../connection-report.ts";
import { type CommandContext, type CommonOptions, openSession } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { throwUnlessSucceeded } from "../follow-run.ts";
import { fetchAll, findServerId, pageFields } from "../lookup.ts";
import { formatInstant, lowerState, printList, printOne } from "../output.ts";
import type { Register } from "../program.ts";
import { fetchServer, printServer, ServerFacts, serverFields, serverJson } from "../server-facts.ts";
import { runToEnd } from "../server-run.ts";
import { addCopyToCommand } from "./copies.ts";
import { addServerActCommands } from "./server-acts.ts";
import { addServerAddCommand } from "./server-add.ts";
import { addServerCheckCommand } from "./server-check.ts";
import { addServerDrillCommands } from "./server-drill.ts";
import { addServerFileCommands } from "./server-files.ts";
import { addServerHostConfigCommand } from "./server-host-config.ts";
import { addServerInfoCommands } from "./server-info.ts";
import { addServerMethodCommand } from "./server-method.ts";
import { addServerOfflineCommands } from "./server-offline.ts";
import { addServerPrivilegesCommand } from "./server-privileges.ts";
import { addServerSettingsCommand } from "./server-settings.ts";
import { addServerWalCommand } from "./server-wal.ts";

export function addServerCommands(root: Command, context: CommandContext, register: Register): void {
  const server = root.command("server").description("the PostgreSQL servers kept restorable");
  addServerAddCommand(server, context, register);
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
  addServerMethodCommand(server, context, register);
  addServerWalCommand(server, context, register);
  addServerHostConfigCommand(server, context, register);
  addServerCheckCommand(server, context, register);
  addServerInfoCommands(server, context, register);
  addServerPrivilegesCommand(server, context, register);
  addServerSettingsCommand(server, context, register);
  addServerActCommands(server, context, register);
  addServerFileCommands(server, context, register);
  addServerOfflineCommands(server, context, register);
  addServerDrillCommands(server, context, register);
  addCopyToCommand(server, context, register);
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
      {
        title: "state",
        value: (row) => `${lowerState(row.protection.state)}${row.offline === null ? "" : ", offline"}`,
      },
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

async function testServer(context: CommandContext, name: string, options: CommonOptions): Promise<number> {
  const session = openSession(context, options);
  const serverId = await findServerId(session.api, name);
  const run = await runToEnd(session, "testConnection", { serverId });
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
