import { AppError, formatDuration } from "@tidemark/kit";
import type { Command } from "commander";
import { z } from "zod";
import { type ApiClient, refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { type CommandContext, type CommonOptions, openSession } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { findServerId } from "../lookup.ts";
import { lowerState, printOne } from "../output.ts";
import { noTarget, type TargetOptions, targetsInput, withTargetOptions } from "../policy-targets.ts";
import type { Register } from "../program.ts";
import { type RetentionOptions, retentionInput, withRetentionOptions } from "../retention-rules.ts";

const ServerPolicy = z.object({
  id: z.string(),
  name: z.string(),
  policy: z.object({
    id: z.string(),
    name: z.string(),
    sentence: z.string(),
    rpoTargetSeconds: z.number().nullable(),
    rtoTargetSeconds: z.number().nullable(),
    proofDays: z.number().nullable(),
    verifyDays: z.number().nullable(),
  }),
  protection: z.object({ state: z.string(), reasons: z.array(z.string()) }),
  verifications: z.array(z.object({ sentence: z.string(), late: z.boolean() })),
});
type ServerPolicy = z.infer<typeof ServerPolicy>;

const policyFields = `id name policy { id name sentence rpoTargetSeconds rtoTargetSeconds proofDays verifyDays }
  protection { state reasons } verifications { sentence late }`;

interface SetOptions extends CommonOptions, RetentionOptions, TargetOptions {}

/** `tidemark policy`: what is promised of a server: which backups are kept, and its targets. */
export function addPolicyCommands(root: Command, context: CommandContext, register: Register): void {
  const policy = root.command("policy").description("what is promised of a server: what is kept, and its targets");
  register(
    policy.command("show <server>").description("its policy, and how the server stands to it"),
    async (server, options) => {
      const { api, output } = openSession(context, options as CommonOptions);
      printPolicy(output, await fetchPolicy(api, await findServerId(api, server as string)));
      return exitCodes.done;
    },
  );
  register(
    withTargetOptions(withRetentionOptions(policy.command("set <server>")))
      .option("--zone <zone>", "where days begin, for example Europe/Berlin")
      .description("change its targets, or give it other rules of what is kept"),
    (server, options) => set(context, server as string, options as SetOptions),
  );
}

async function set(context: CommandContext, server: string, options: SetOptions): Promise<number> {
  const { api, output } = openSession(context, options);
  const retention = retentionInput(options);
  const targets = targetsInput(options);
  if (retention === null && targets === null) {
    throw new AppError("bad-request", {
      message: "nothing to change was given",
      hint: "for example --rpo 5min, --rto 1h, --proof-days 7, --verify-days 30 or --keep-last 7; nothing was changed",
    });
  }
  const { updateServer: payload } = await api.query(
    z.object({ updateServer: z.object({ server: ServerPolicy.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: UpdateServerInput!) { updateServer(input: $input) { server { ${policyFields} } ${userErrorFields} } }`,
    { input: { id: await findServerId(api, server), retention, targets } },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.server === null) return exitCodes.failed;
  printPolicy(output, payload.server);
  return exitCodes.done;
}

async function fetchPolicy(api: ApiClient, id: string): Promise<ServerPolicy> {
  const { server } = await api.query(
    z.object({ server: ServerPolicy.nullable() }),
    `query ($id: ID!) { server(id: $id) { ${policyFields} } }`,
    { id },
  );
  if (server === null) throw new AppError("not-found", { message: "the server was removed meanwhile" });
  return server;
}

function printPolicy(output: ReturnType<CommandContext["output"]>, server: ServerPolicy): void {
  const { policy, protection, verifications } = server;
  const { id, name, sentence, ...targets } = policy;
  const state = lowerState(protection.state);
  printOne(output, { id, state, server: server.name, name, keeps: sentence, ...targets, reasons: protection.reasons }, [
    ["server", server.name],
    ["policy", `${name} (${id})`],
    ["retention", sentence],
    ["may be lost", lostText(targets.rpoTargetSeconds)],
    ["restored within", targets.rtoTargetSeconds === null ? "nothing is promised" : seconds(targets.rtoTargetSeconds)],
    ["a proof counts", proofText(targets.proofDays)],
    ["all verified", targets.verifyDays === null ? "not by itself" : `every ${targets.verifyDays} days`],
    ...verifications.map((one) => ["verified", one.sentence] as const),
    ["state", state],
    ["because", protection.reasons.join("; ") || null],
  ]);
}

function lostText(target: number | null): string {
  if (target === noTarget) return "any (no target)";
  return target === null ? "1 min where WAL is streamed (the usual)" : seconds(target);
}

function proofText(days: number | null): string {
  if (days === noTarget) return "for ever";
  return days === null ? "31 days (the usual)" : `${days} days`;
}

function seconds(count: number): string {
  return formatDuration(count * 1_000);
}
