import { writeFileSync } from "node:fs";
import { AppError, formatBytes, systemErrorCode } from "@tidemark/kit";
import type { Command } from "commander";
import { z } from "zod";
import { type ApiClient, refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { type CommandContext, type CommonOptions, openSession, type Session } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { followRun, RunFacts, runFields, throwUnlessSucceeded } from "../follow-run.ts";
import { fetchAll, pageFields } from "../lookup.ts";
import { formatInstant, lowerState, printList, printOne } from "../output.ts";
import type { Register } from "../program.ts";
import { addRepositoryAdd } from "./repository-add.ts";
import { addRepositoryKeyCommands } from "./repository-keys.ts";
import { addRepositoryVerify } from "./repository-verify.ts";

const RepositoryFacts = z.object({
  id: z.string(),
  name: z.string(),
  location: z.string(),
  state: z.string(),
  stateDetail: z.string().nullable(),
  encrypted: z.boolean(),
  compression: z.string(),
  freeBytes: z.string().nullable(),
  storedBytes: z.string().nullable(),
  recoveryKitSavedAt: z.string().nullable(),
});
type RepositoryFacts = z.infer<typeof RepositoryFacts>;
const repositoryFields =
  "id name location state stateDetail encrypted compression freeBytes storedBytes recoveryKitSavedAt";

interface KitOptions extends CommonOptions {
  readonly out?: string;
  readonly page?: boolean;
}

export function addRepositoryCommands(root: Command, context: CommandContext, register: Register): void {
  const repository = root.command("repository").description("where backups live");
  register(repository.command("list").description("every repository"), (options) =>
    listRepositories(context, options as CommonOptions),
  );
  addRepositoryAdd(repository, context, register);
  register(
    repository
      .command("recovery-kit <name>")
      .description("what opens the repository when this control plane is lost: keep it somewhere else")
      .option("--page", "as an HTML page for paper, with the key as a QR code, instead of text")
      .option("--out <file>", "write it to a new file (mode 0600) instead of standard output"),
    (name, options) => recoveryKit(context, name as string, options as KitOptions),
  );
  const findId = async (api: ApiClient, name: string): Promise<string> => (await findRepository(api, name)).id;
  addRepositoryKeyCommands(repository, context, register, findId);
  addRepositoryVerify(repository, context, register, findId);
}

async function listRepositories(context: CommandContext, options: CommonOptions): Promise<number> {
  const { api, output } = openSession(context, options);
  printList(
    output,
    await fetchRepositories(api),
    (row) => ({ ...row, state: lowerState(row.state) }),
    [
      { title: "name", value: (row) => row.name },
      { title: "state", value: (row) => lowerState(row.state) },
      { title: "location", value: (row) => row.location },
      { title: "encrypted", value: (row) => (row.encrypted ? "yes" : "no") },
      { title: "compression", value: (row) => row.compression },
      { title: "stored", value: (row) => bytesText(row.storedBytes), alignRight: true },
      { title: "free", value: (row) => bytesText(row.freeBytes), alignRight: true },
      { title: "recovery kit saved", value: (row) => formatInstant(row.recoveryKitSavedAt) },
    ],
    "no repositories yet",
  );
  return exitCodes.done;
}

function bytesText(bytes: string | null): string {
  return bytes === null ? "–" : formatBytes(BigInt(bytes));
}

function fetchRepositories(api: ApiClient): Promise<readonly RepositoryFacts[]> {
  return fetchAll(
    api,
    RepositoryFacts,
    `query ($first: Int!, $after: String) { list: repositories(first: $first, after: $after) { nodes { ${repositoryFields} } ${pageFields} } }`,
  );
}

async function recoveryKit(context: CommandContext, name: string, options: KitOptions): Promise<number> {
  const session = openSession(context, options);
  const { api, output } = session;
  const repository = await findRepository(api, name);
  const kit = await fetchKit(session, repository.id, options.page === true ? "PAGE" : "TEXT");
  if (options.out === undefined) {
    output.write(kit);
    return exitCodes.done;
  }
  writeNewFile(options.out, kit);
  await confirmKit(api, repository.id);
  printOne(output, { id: repository.id, state: "saved", file: options.out }, [["saved to", options.out]]);
  output.note("keep it away from this machine: with it and the repository's files every backup can be restored\n");
  return exitCodes.done;
}

async function findRepository(api: ApiClient, name: string): Promise<RepositoryFacts> {
  const repository = (await fetchRepositories(api)).find((row) => row.name === name || row.id === name);
  if (repository !== undefined) return repository;
  throw new AppError("not-found", {
    message: `there is no repository ${name}`,
    hint: "`tidemark repository list` shows the names",
  });
}

async function fetchKit({ api, output }: Session, repositoryId: string, form: "TEXT" | "PAGE"): Promise<string> {
  const { requestRecoveryKit: payload } = await api.query(
    z.object({
      requestRecoveryKit: z.object({
        run: RunFacts.nullable(),
        downloadToken: z.string().nullable(),
        userErrors: z.array(UserError),
      }),
    }),
    `mutation ($input: RequestRecoveryKitInput!) { requestRecoveryKit(input: $input) { run { ${runFields} } downloadToken ${userErrorFields} } }`,
    { input: { repositoryId, form } },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.run === null || payload.downloadToken === null) {
    throw new AppError("internal", { message: "the control plane started no recovery kit run" });
  }
  throwUnlessSucceeded(await followRun(api, payload.run.id, { onEvent: () => undefined, note: output.note }));
  return api.download(`/api/v1/repositories/${repositoryId}/recovery-kit?run=${payload.run.id}`, {
    "x-download-token": payload.downloadToken,
  });
}

function writeNewFile(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600, flag: "wx" });
  } catch (cause) {
    const exists = systemErrorCode(cause) === "EEXIST";
    throw new AppError("bad-request", {
      message: exists ? `${path} exists already and was left as it is` : `${path} cannot be written`,
      hint: "choose another file; the kit was not saved",
      cause,
    });
  }
}

async function confirmKit(api: ApiClient, repositoryId: string): Promise<void> {
  const { confirmRecoveryKit } = await api.query(
    z.object({ confirmRecoveryKit: z.object({ userErrors: z.array(UserError) }) }),
    `mutation ($input: ConfirmRecoveryKitInput!) { confirmRecoveryKit(input: $input) { ${userErrorFields} } }`,
    { input: { repositoryId } },
  );
  refuseUserErrors(confirmRecoveryKit.userErrors);
}
