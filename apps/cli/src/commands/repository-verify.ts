import { AppError } from "@tidemark/kit";
import { type Command, Option } from "commander";
import { z } from "zod";
import { type ApiClient, refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { coverageText } from "../backup-bytes.ts";
import { type CommandContext, type CommonOptions, openSession, type Session } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { fetchRun, printRun, RunFacts, runFields, waitForRun } from "../follow-run.ts";
import { pageFields } from "../lookup.ts";
import { formatInstant, printList } from "../output.ts";
import { partInput } from "../part-option.ts";
import type { Register } from "../program.ts";

interface VerifyOptions extends CommonOptions {
  readonly server?: string;
  readonly tier: string;
  readonly part?: string;
  readonly wait?: boolean;
}

/** `repository verify`: every backup of every server (or of one) in a repository, each pack read once. */
export function addRepositoryVerify(
  repository: Command,
  context: CommandContext,
  register: Register,
  findRepository: (api: ApiClient, name: string) => Promise<string>,
): void {
  register(
    repository
      .command("verify <name>")
      .description("check all backups in it, each pack once for all that share it, and the archived WAL")
      .option("--server <name>", "only this server's")
      .addOption(
        new Option("--tier <tier>", "metadata: where everything is; stored: stored bytes; whole: opened, too")
          .choices(["metadata", "stored", "whole"])
          .default("whole"),
      )
      .option("--part <n/m>", "only this part of the packs, the same ones each time: 3/28")
      .option("--wait", "follow the runs to their ends, one for each server"),
    async (name, options) => {
      const session = openSession(context, options as CommonOptions);
      const repositoryId = await findRepository(session.api, name as string);
      return verifyRepository(session, repositoryId, options as VerifyOptions);
    },
  );
}

async function verifyRepository(session: Session, repositoryId: string, options: VerifyOptions): Promise<number> {
  const servers = await serversIn(session.api, repositoryId, options.server);
  const how = { repositoryId, tier: options.tier.toUpperCase(), ...partInput(options.part) };
  const runs: RunFacts[] = [];
  for (const { id } of servers) runs.push(await startVerification(session.api, { ...how, serverId: id }));
  if (options.wait !== true) {
    for (const run of runs) printRun(session.output, run);
    session.output.note("follow one with `tidemark run watch ID`\n");
    return exitCodes.done;
  }
  let failure: unknown = null;
  for (const [index, run] of runs.entries()) {
    try {
      runs[index] = await waitForRun(session, run.id);
    } catch (error) {
      // The others go on: what is damaged of one server says nothing of the next.
      failure ??= error;
      // What was found is in its result.
      runs[index] = await fetchRun(session.api, run.id);
    }
  }
  printResults(session, runs);
  if (failure !== null) throw failure;
  return exitCodes.done;
}

const NamedServer = z.object({ id: z.string(), name: z.string() });
type NamedServer = z.infer<typeof NamedServer>;

/** Servers whose backups, or whose copies, are there. Throws `not-found`. */
async function serversIn(
  api: ApiClient,
  repositoryId: string,
  only: string | undefined,
): Promise<readonly NamedServer[]> {
  const found: NamedServer[] = [];
  for (const field of ["servers", "copiedServers"]) found.push(...(await listServers(api, repositoryId, field)));
  const wanted = only === undefined ? found : found.filter(({ id, name }) => name === only || id === only);
  if (wanted.length > 0) return wanted;
  const message = only === undefined ? "no server's backups are in it" : `no backups of ${only} are in it`;
  throw new AppError("not-found", { message, hint: "`tidemark server show NAME` says where they are" });
}

async function listServers(api: ApiClient, id: string, field: string): Promise<readonly NamedServer[]> {
  const found: NamedServer[] = [];
  for (let after: string | null = null; ; ) {
    const answer: z.infer<typeof ServersPage> = await api.query(
      ServersPage,
      `query ($id: ID!, $after: String) { repository(id: $id) { list: ${field}(first: 100, after: $after) { nodes { id name } ${pageFields} } } }`,
      { id, after },
    );
    const list = answer.repository?.list;
    found.push(...(list?.nodes ?? []));
    if (list?.pageInfo.hasNextPage !== true) return found;
    after = list.pageInfo.endCursor;
  }
}

const ServersPage = z.object({
  repository: z
    .object({
      list: z.object({
        nodes: z.array(NamedServer),
        pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
      }),
    })
    .nullable(),
});

async function startVerification(api: ApiClient, input: object): Promise<RunFacts> {
  const { verifyArea: payload } = await api.query(
    z.object({ verifyArea: z.object({ run: RunFacts.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: VerifyAreaInput!) { verifyArea(input: $input) { run { ${runFields} } ${userErrorFields} } }`,
    { input },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.run === null) throw new AppError("internal", { message: "the control plane started no verification" });
  return payload.run;
}

const Result = z.object({
  ok: z.boolean(),
  checkedBackups: z.number(),
  checkedPacks: z.number().nullable(),
  problems: z.array(z.string()),
  coverage: z
    .object({
      storedShare: z.number(),
      wholeShare: z.number(),
      storedSince: z.string().nullable(),
      wholeSince: z.string().nullable(),
    })
    .nullable(),
  wal: z
    .object({
      checkedSegments: z.number(),
      checkedFiles: z.number(),
      checkedBytes: z.string(),
      problemCount: z.number(),
      coverage: z
        .object({
          segments: z.number(),
          storedBytes: z.string(),
          verifiedSegments: z.number(),
          verifiedBytes: z.string(),
          damagedSegments: z.number(),
          since: z.string().nullable(),
        })
        .nullable(),
    })
    .nullish(),
});
type VerifiedWal = z.infer<typeof Result>["wal"];

/** "118 of 120 segments opened and followed since …, 1 damaged". */
function walText(wal: VerifiedWal | undefined): string {
  const coverage = wal?.coverage;
  if (coverage == null) return "–";
  const { segments, verifiedSegments, damagedSegments, since } = coverage;
  const damaged = damagedSegments === 0 ? "" : `, ${damagedSegments} damaged`;
  return `${verifiedSegments} of ${segments} segments${since === null ? "" : ` since ${formatInstant(since)}`}${damaged}`;
}

function printResults({ output }: Session, runs: readonly RunFacts[]): void {
  const rows = runs.map((run) => ({ run, result: Result.safeParse(run.result).data ?? null }));
  printList(
    output,
    rows,
    ({ run, result }) => ({
      runId: run.id,
      server: run.server?.name ?? null,
      state: run.state.toLowerCase(),
      ...result,
    }),
    [
      { title: "server", value: ({ run }) => run.server?.name ?? "–" },
      { title: "run", value: ({ run }) => run.id },
      { title: "backups", value: ({ result }) => String(result?.checkedBackups ?? "–"), alignRight: true },
      { title: "packs", value: ({ result }) => String(result?.checkedPacks ?? "–"), alignRight: true },
      { title: "verified", value: ({ result }) => coverageText(result?.coverage ?? null) ?? "–" },
      { title: "archived WAL", value: ({ result }) => walText(result?.wal) },
    ],
    "nothing to verify",
  );
}
