import { readFileSync } from "node:fs";
import { AppError } from "@tidemark/kit";
import type { Command } from "commander";
import { z } from "zod";
import { type ApiClient, refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { type CommandContext, type CommonOptions, openSession, type Session } from "../context.ts";
import { readStoreCredentials } from "../direct-store.ts";
import { exitCodes } from "../exit-code.ts";
import { followRun, RunFacts, runFields, throwUnlessSucceeded } from "../follow-run.ts";
import { formatInstant, printList, printOne } from "../output.ts";
import type { Register } from "../program.ts";

const KeySlot = z.object({
  slot: z.string(),
  kind: z.string(),
  ownerId: z.string(),
  label: z.string().nullable(),
  recipient: z.string().nullable(),
  walOf: z.string().nullable(),
  opens: z.string(),
  keyId: z.string(),
  createdAt: z.string(),
  current: z.boolean(),
  opened: z.boolean(),
});
const KeysResult = z.object({
  slots: z.array(KeySlot),
  notes: z.array(z.string()),
  plan: z.object({ planHash: z.string(), sentences: z.array(z.string()), refusals: z.array(z.string()) }).nullable(),
  added: z.array(z.string()),
  removed: z.array(z.string()),
});
type KeysResult = z.infer<typeof KeysResult>;

interface AddOptions extends CommonOptions {
  readonly recipient?: string;
  readonly passphraseFile?: string;
  readonly keyFile?: string;
  readonly label?: string;
}

interface RewrapOptions extends AddOptions {
  readonly old: string;
}

interface ChangeOptions extends CommonOptions {
  readonly yes?: boolean;
  readonly also?: readonly string[];
}

/** The keys of a repository and its settings. `findRepository` gives the id behind a name. */
export function addRepositoryKeyCommands(
  repository: Command,
  context: CommandContext,
  register: Register,
  findRepository: (api: ApiClient, name: string) => Promise<string>,
): void {
  const open = async (options: CommonOptions, name: unknown) => {
    const session = openSession(context, options);
    return { session, repositoryId: await findRepository(session.api, name as string) };
  };
  register(
    repository.command("keys <name>").description("which keys open the repository: one line for each slot"),
    async (name, options) => {
      const { session, repositoryId } = await open(options as CommonOptions, name);
      return printKeys(session, await keyRun(session, "listRepositoryKeys", { repositoryId }));
    },
  );
  const key = repository.command("key").description("give, take and renew keys of a repository");
  register(
    key
      .command("add <name>")
      .description("give the repository another key: exactly one of the three")
      .option("--recipient <age1…>", "whoever has the age identity of this recipient")
      .option("--passphrase-file <file>", "whoever knows the passphrase in this file")
      .option("--key-file <file>", "whoever has this key file")
      .option("--label <text>", "whose key it is, for lists"),
    async (name, options) => {
      const { session, repositoryId } = await open(options as CommonOptions, name);
      const input = { repositoryId, ...newKey(options as AddOptions) };
      const result = await keyRun(session, "addRepositoryKey", input);
      if (result.added.length === 0) session.output.note("this key opens the repository already; nothing was added\n");
      return printKeys(session, result);
    },
  );
  register(
    key
      .command("rewrap <name>")
      .description("another key instead of one, which opens nothing afterwards: exactly one of the three")
      .requiredOption("--old <file>", "the passphrase file or key file that opens the repository so far")
      .option("--recipient <age1…>", "from now on whoever has the age identity of this recipient")
      .option("--passphrase-file <file>", "from now on whoever knows the passphrase in this file")
      .option("--key-file <file>", "from now on whoever has this key file"),
    async (name, options) => {
      const { session, repositoryId } = await open(options as CommonOptions, name);
      const given = options as RewrapOptions;
      const input = { repositoryId, oldKeyText: readText(given.old), ...newKey(given) };
      return printKeys(session, await keyRun(session, "rewrapRepositoryKey", input));
    },
  );
  register(
    key
      .command("remove <name> <owner>")
      .description("take a key away; shows the plan, and acts only with --yes")
      .option("--yes", "execute the plan that is shown"),
    async (name, owner, options) => {
      const { session, repositoryId } = await open(options as CommonOptions, name);
      return planned(session, "removeRepositoryKey", { repositoryId, ownerId: owner }, options as ChangeOptions);
    },
  );
  register(
    key
      .command("rotate <name>")
      .description("seal what is stored from now on with a new data key; shows the plan, and acts only with --yes")
      .option(
        "--also <file>",
        "a key file or passphrase file of somebody else who gets it too; repeatable",
        collect,
        [],
      )
      .option("--yes", "execute the plan that is shown"),
    async (name, options) => {
      const { session, repositoryId } = await open(options as CommonOptions, name);
      const keyTexts = ((options as ChangeOptions).also ?? []).map((path) => readText(path));
      return planned(session, "rotateRepositoryKeys", { repositoryId, keyTexts }, options as ChangeOptions);
    },
  );
  register(
    repository
      .command("set <name>")
      .description("change a setting of the repository; it counts from the next backup on")
      .option("--compression <setting>", "zstd:1 to zstd:19, gzip:1 to gzip:9, lz4, none or auto")
      .option("--credentials-file <file>", "what opens its object store from now on (docs/object-stores.md)"),
    async (name, options) => {
      const { session, repositoryId } = await open(options as CommonOptions, name);
      return setRepository(session, repositoryId, options as SetOptions);
    },
  );
}

function newKey(options: AddOptions): Record<string, string> {
  const given = {
    ...(options.recipient === undefined ? {} : { recipient: options.recipient }),
    ...(options.passphraseFile === undefined ? {} : { passphrase: readText(options.passphraseFile) }),
    ...(options.keyFile === undefined ? {} : { keyText: readText(options.keyFile) }),
  };
  if (Object.keys(given).length !== 1) {
    throw new AppError("bad-request", { message: "give exactly one of --recipient, --passphrase-file and --key-file" });
  }
  return { ...given, ...(options.label === undefined ? {} : { label: options.label }) };
}

/** Shows what the act would do; with --yes does it, by the hash of what was shown. */
async function planned(
  session: Session,
  act: "removeRepositoryKey" | "rotateRepositoryKeys",
  input: object,
  options: ChangeOptions,
): Promise<number> {
  const { plan } = await keyRun(session, act, input);
  if (plan === null) throw new AppError("internal", { message: "the control plane planned nothing" });
  for (const sentence of plan.sentences) session.output.note(`${sentence}\n`);
  const [refusal] = plan.refusals;
  if (refusal !== undefined) throw new AppError("key-slot-needed", { message: refusal, hint: "nothing was changed" });
  if (options.yes !== true) {
    session.output.note("nothing was changed; repeat with --yes to execute this plan\n");
    return exitCodes.done;
  }
  return printKeys(session, await keyRun(session, act, { ...input, planHash: plan.planHash }));
}

type KeyMutation =
  | "listRepositoryKeys"
  | "addRepositoryKey"
  | "rewrapRepositoryKey"
  | "removeRepositoryKey"
  | "rotateRepositoryKeys";

async function keyRun({ api, output }: Session, act: KeyMutation, input: object): Promise<KeysResult> {
  const type = `${act[0]?.toUpperCase()}${act.slice(1)}Input`;
  const answer = await api.query(
    z.object({ payload: z.object({ run: RunFacts.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: ${type}!) { payload: ${act}(input: $input) { run { ${runFields} } ${userErrorFields} } }`,
    { input },
  );
  refuseUserErrors(answer.payload.userErrors);
  if (answer.payload.run === null) throw new AppError("internal", { message: "the control plane started no run" });
  const run = await followRun(api, answer.payload.run.id, { onEvent: () => undefined, note: output.note });
  throwUnlessSucceeded(run);
  return KeysResult.parse(run.result);
}

function printKeys({ output }: Session, result: KeysResult): number {
  printList(
    output,
    result.slots,
    (row) => row,
    [
      { title: "owner", value: (row) => row.ownerId },
      { title: "kind", value: (row) => row.kind },
      { title: "who", value: (row) => [row.label, row.recipient].filter((text) => text !== null).join(" ") },
      { title: "opens", value: (row) => row.opens },
      { title: "data key", value: (row) => row.keyId },
      { title: "made", value: (row) => formatInstant(row.createdAt) },
      { title: "", value: (row) => [row.current ? "current" : "", row.opened ? "ours" : ""].join(" ").trim() },
    ],
    "no keys",
  );
  for (const note of result.notes) output.note(`${note}\n`);
  return exitCodes.done;
}

interface SetOptions extends CommonOptions {
  readonly compression?: string;
  readonly credentialsFile?: string;
}

async function setRepository({ api, output }: Session, repositoryId: string, options: SetOptions): Promise<number> {
  const { compression = null, credentialsFile } = options;
  const storeCredentials = credentialsFile === undefined ? null : readStoreCredentials(credentialsFile);
  if (compression === null && storeCredentials === null) {
    throw new AppError("bad-request", { message: "give --compression or --credentials-file" });
  }
  const { updateRepository: payload } = await api.query(
    z.object({
      updateRepository: z.object({
        repository: z.object({ id: z.string(), name: z.string(), compression: z.string() }).nullable(),
        userErrors: z.array(UserError),
      }),
    }),
    `mutation ($input: UpdateRepositoryInput!) { updateRepository(input: $input) { repository { id name compression } ${userErrorFields} } }`,
    { input: { repositoryId, compression, storeCredentials } },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.repository === null) throw new AppError("internal", { message: "the control plane changed nothing" });
  printOne(output, payload.repository, [
    ["repository", payload.repository.name],
    ["compression", payload.repository.compression],
  ]);
  return exitCodes.done;
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch (cause) {
    throw new AppError("bad-request", { message: `${path} cannot be read`, hint: "nothing was changed", cause });
  }
}
