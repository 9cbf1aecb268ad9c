import { AppError } from "@tidemark/kit";
import type { Command } from "commander";
import { z } from "zod";
import { type ApiClient, refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { type CommandContext, type CommonOptions, openSession } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { RunFacts, runFields, startedOrFinished } from "../follow-run.ts";
import { fetchAll, findServerId, pageFields } from "../lookup.ts";
import { printOne } from "../output.ts";
import type { Register } from "../program.ts";

interface WaitOptions extends CommonOptions {
  readonly wait?: boolean;
}

interface CopyToOptions extends WaitOptions {
  readonly maxRate?: string;
}

interface CopyOptions extends WaitOptions {
  readonly backup?: string;
  readonly heal?: boolean;
}

const waitText = "follow it to its end";

/** `server copy-to`: where copies of a server's backups go. */
export function addCopyToCommand(server: Command, context: CommandContext, register: Register): void {
  register(
    server
      .command("copy-to <name> <repository>")
      .description("copy its backups to a second repository, after each backup; `none` ends it")
      .option(
        "--max-rate <kib>",
        "KiB a second the copies take at most, backups and WAL each; none: as the workers are set",
      )
      .option("--wait", "follow the first copy to its end"),
    (name, repository, options) => copyTo(context, name as string, repository as string, options as CopyToOptions),
  );
}

/** `backup copy`: the same now, or of one backup. */
export function addBackupCopyCommand(backup: Command, context: CommandContext, register: Register): void {
  register(
    backup
      .command("copy <server>")
      .description("bring its backups to its second repository now")
      .option("--backup <id>", "only this one, also if it was deleted there")
      .option("--heal", "first bring back what is damaged or missing in the first, and copies found damaged")
      .option("--wait", waitText),
    (server, options) => copyNow(context, server as string, options as CopyOptions),
  );
}

async function copyTo(context: CommandContext, name: string, wanted: string, options: CopyToOptions): Promise<number> {
  const maxRateKib = options.maxRate === undefined ? undefined : readMaxRate(options.maxRate);
  const session = openSession(context, options);
  const serverId = await findServerId(session.api, name);
  const repositoryId = wanted === "none" ? null : await findRepositoryId(session.api, wanted);
  // Before the first copy begins.
  if (maxRateKib !== undefined) await setMaxRate(session.api, serverId, maxRateKib);
  const { setSecondRepository: payload } = await session.api.query(
    z.object({ setSecondRepository: z.object({ run: RunFacts.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: SetSecondRepositoryInput!) { setSecondRepository(input: $input) { run { ${runFields} } ${userErrorFields} } }`,
    { input: { serverId, repositoryId } },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.run !== null) return await startedOrFinished(session, payload.run, options.wait === true);
  printOne(session.output, { id: serverId, state: "off", copyTo: null }, [["copies", "none"]]);
  return exitCodes.done;
}

async function copyNow(context: CommandContext, server: string, options: CopyOptions): Promise<number> {
  const session = openSession(context, options);
  const serverId = await findServerId(session.api, server);
  const { copyBackups: payload } = await session.api.query(
    z.object({ copyBackups: z.object({ run: RunFacts.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: CopyBackupsInput!) { copyBackups(input: $input) { run { ${runFields} } ${userErrorFields} } }`,
    { input: { serverId, backupId: options.backup ?? null, heal: options.heal === true } },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.run === null) throw new AppError("internal", { message: "the control plane started no copy" });
  return await startedOrFinished(session, payload.run, options.wait === true);
}

/** Null for `none`. The api says how much is too little or too much. */
function readMaxRate(text: string): number | null {
  if (text === "none") return null;
  const kib = Number(text);
  if (Number.isSafeInteger(kib) && kib >= 1) return kib;
  throw new AppError("bad-request", {
    message: `--max-rate takes a whole number of KiB a second or none, not ${text}`,
  });
}

async function setMaxRate(api: ApiClient, id: string, copyMaxRateKib: number | null): Promise<void> {
  const { updateServer } = await api.query(
    z.object({ updateServer: z.object({ userErrors: z.array(UserError) }) }),
    `mutation ($input: UpdateServerInput!) { updateServer(input: $input) { ${userErrorFields} } }`,
    { input: { id, copyMaxRateKib } },
  );
  refuseUserErrors(updateServer.userErrors);
}

/** By name or id. Throws `not-found`. */
export async function findRepositoryId(api: ApiClient, wanted: string): Promise<string> {
  const rows = await fetchAll(
    api,
    z.object({ id: z.string(), name: z.string() }),
    `query ($first: Int!, $after: String) { list: repositories(first: $first, after: $after) { nodes { id name } ${pageFields} } }`,
  );
  const found = rows.find((row) => row.name === wanted || row.id === wanted);
  if (found !== undefined) return found.id;
  throw new AppError("not-found", {
    message: `there is no repository ${wanted}`,
    hint: "`tidemark repository list` shows the names",
  });
}
