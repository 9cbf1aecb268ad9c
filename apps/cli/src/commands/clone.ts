import type { Command } from "commander";
import { z } from "zod";
import { refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { CloneFacts, cloneFields, cloneJson, fetchClone, printClone, reachedText } from "../clone-facts.ts";
import { type CommandContext, type CommonOptions, openSession, type Session } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { RunFacts, runFields, waitForRun } from "../follow-run.ts";
import { parseHours } from "../hours-option.ts";
import { findServerId } from "../lookup.ts";
import { formatInstant, lowerState, printList } from "../output.ts";
import type { Register } from "../program.ts";
import { addTargetOptions, type TargetOptions, trialTargetInput } from "../recovery-options.ts";
import { addCloneActCommands } from "./clone-acts.ts";

interface CreateOptions extends TargetOptions, CommonOptions {
  readonly backup?: string;
  readonly promote?: boolean;
  readonly hours?: string;
  readonly maxBytes?: string;
  readonly wait?: boolean;
}

interface ListOptions extends CommonOptions {
  readonly server?: string;
  readonly all?: boolean;
}

export function addCloneCommands(root: Command, context: CommandContext, register: Register): void {
  const clone = root.command("clone").description("restored servers that live for a while, to be queried");
  register(
    addTargetOptions(
      clone.command("create <server>").description("make one, at the end of the archived WAL or a target"),
    )
      .option("--backup <id>", "from this backup; chosen for the target when left out")
      .option("--promote", "it takes writes; else it is read-only and may be moved on")
      .option("--hours <n>", "how long it lives (24 unless told)")
      .option("--max-bytes <n>", "refuse a larger one")
      .option("--wait", "follow it until it can be connected to"),
    (server, options) => createClone(context, server as string, options as CreateOptions),
  );
  register(
    clone
      .command("list")
      .description("the clones that live, newest first")
      .option("--server <name>", "only of this server")
      .option("--all", "those that have ended, too"),
    (options) => listClones(context, options as ListOptions),
  );
  register(clone.command("show <id>").description("one clone: where it is and how far"), (id, options) =>
    showClone(context, id as string, options as CommonOptions),
  );
  addCloneActCommands(clone, context, register);
}

async function createClone(context: CommandContext, server: string, options: CreateOptions): Promise<number> {
  const session = openSession(context, options);
  const target = trialTargetInput(options);
  const input = {
    serverId: await findServerId(session.api, server),
    backupId: options.backup ?? null,
    ...(target === null ? {} : { target }),
    promote: options.promote === true,
    ...(options.hours === undefined ? {} : { hours: parseHours(options.hours) }),
    ...(options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes }),
  };
  const { createClone: payload } = await session.api.query(
    z.object({
      createClone: z.object({
        clone: CloneFacts.nullable(),
        run: RunFacts.nullable(),
        userErrors: z.array(UserError),
      }),
    }),
    `mutation ($input: CreateCloneInput!) { createClone(input: $input) {
      clone { ${cloneFields} } run { ${runFields} } ${userErrorFields} } }`,
    { input },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.clone === null || payload.run === null) return exitCodes.failed;
  if (options.wait === true) await waitForRun(session, payload.run.id);
  printClone(session.output, await fetchClone(session, payload.clone.id));
  const next = options.wait === true ? `clone connection ${payload.clone.id}` : `run watch ${payload.run.id}`;
  session.output.note(`next: \`tidemark ${next}\`\n`);
  return exitCodes.done;
}

async function listClones(context: CommandContext, options: ListOptions): Promise<number> {
  const session = openSession(context, options);
  printList(
    session.output,
    await fetchClones(session, options),
    cloneJson,
    [
      { title: "id", value: (row) => row.id },
      { title: "server", value: (row) => row.server.name },
      { title: "state", value: (row) => lowerState(row.state) },
      { title: "reached", value: (row) => reachedText(row) ?? "–" },
      { title: "writes", value: (row) => (row.promoted ? "yes" : "no") },
      { title: "listens", value: (row) => (row.port === null ? "–" : `${row.host}:${row.port}`) },
      { title: "expires", value: (row) => (row.endedAt === null ? formatInstant(row.expiresAt) : "ended") },
    ],
    "no clones: `tidemark clone create SERVER` makes one",
  );
  return exitCodes.done;
}

async function fetchClones({ api }: Session, { server, all }: ListOptions): Promise<readonly CloneFacts[]> {
  const living = all !== true;
  if (server === undefined) {
    const answer = await api.query(
      z.object({ clones: z.array(CloneFacts) }),
      `query ($living: Boolean) { clones(living: $living) { ${cloneFields} } }`,
      { living },
    );
    return answer.clones;
  }
  const answer = await api.query(
    z.object({ server: z.object({ clones: z.array(CloneFacts) }) }),
    `query ($id: ID!, $living: Boolean) { server(id: $id) { clones(living: $living) { ${cloneFields} } } }`,
    { id: await findServerId(api, server), living },
  );
  return answer.server.clones;
}

async function showClone(context: CommandContext, id: string, options: CommonOptions): Promise<number> {
  const session = openSession(context, options);
  printClone(session.output, await fetchClone(session, id));
  return exitCodes.done;
}
