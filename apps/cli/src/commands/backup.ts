import { AppError, formatBytes, formatDuration } from "@tidemark/kit";
import { type Command, Option } from "commander";
import { z } from "zod";
import { refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import {
  BackupBytes,
  backupBytesFields,
  backupBytesJson,
  coverageText,
  placeLines,
  readingText,
  sizeLines,
  trustText,
} from "../backup-bytes.ts";
import { BackupFacts, backupFields, backupJson } from "../backup-facts.ts";
import { type BackupMethod, backupMethods, backupMethodText, methodInput } from "../backup-method.ts";
import { type CommandContext, type CommonOptions, openSession, type Session } from "../context.ts";
import { addDrillOptions, type DrillOptions, drillInput } from "../drill-options.ts";
import { exitCodes } from "../exit-code.ts";
import { RunFacts, runFields, startedOrFinished } from "../follow-run.ts";
import { fetchAll, findServerId, pageFields } from "../lookup.ts";
import { formatInstant, lowerState, printList, printOne } from "../output.ts";
import { partInput } from "../part-option.ts";
import type { Register } from "../program.ts";
import { fetchServer } from "../server-facts.ts";
import { addBackupCopyCommand } from "./copies.ts";

interface WaitOptions extends CommonOptions {
  readonly wait?: boolean;
}

interface CreateOptions extends WaitOptions {
  readonly checkpoint: string;
  readonly maxRate?: string;
  readonly label?: string;
  readonly method?: BackupMethod;
  readonly readers?: string;
  readonly from?: string;
  readonly full?: boolean;
}

export function addBackupCommands(root: Command, context: CommandContext, register: Register): void {
  const backup = root.command("backup").description("take, look at, verify, hold and delete backups");
  register(
    backup
      .command("create <server>")
      .description("take a backup now")
      .addOption(
        new Option("--checkpoint <mode>", "fast: at once; spread: gently").choices(["fast", "spread"]).default("fast"),
      )
      .option("--max-rate <KiB/s>", "ask the server for at most this rate")
      .option("--label <text>", "a label of your own")
      .addOption(
        new Option("--method <method>", `${backupMethodText}; the server's own when left out`).choices(backupMethods),
      )
      .option("--readers <n>", "how many files to read side by side, 1 to 16 (not with stream)")
      .option("--from <member>", "take it from this member (a standby)")
      .option("--full", "read everything, also what did not change since the last backup")
      .option("--wait", "follow it to its end"),
    (server, options) => createBackup(context, server as string, options as CreateOptions),
  );
  register(backup.command("list <server>").description("a server's backups, newest first"), (server, options) =>
    listBackups(context, server as string, options as CommonOptions),
  );
  register(backup.command("show <id>").description("one backup"), (id, options) =>
    showBackup(context, id as string, options as CommonOptions),
  );
  addActs(backup, context, register);
  addBackupCopyCommand(backup, context, register);
}

function addActs(backup: Command, context: CommandContext, register: Register): void {
  const wait = "follow it to its end";
  register(
    backup
      .command("verify <id>")
      .description("check that it is what was stored")
      .addOption(
        new Option("--tier <tier>", "metadata: where everything is; stored: its stored bytes; whole: opened, too")
          .choices(["metadata", "stored", "whole"])
          .default("whole"),
      )
      .option("--part <n/m>", "only this part of its packs, the same ones each time: 3/28")
      .option("--wait", wait),
    (id, options) => {
      const { tier, part } = options as { readonly tier: string; readonly part?: string };
      const input = { id, tier: tier.toUpperCase(), ...partInput(part) };
      return act(context, "verifyBackup", "VerifyBackupInput", input, options as WaitOptions);
    },
  );
  register(
    addDrillOptions(
      backup.command("drill <id>").description("restore it, start it, check it, throw it away: the proof"),
    ).option("--wait", wait),
    async (id, options) => {
      const input = { ...(await drillInput(options as DrillOptions)), id };
      return act(context, "drillBackup", "DrillBackupInput", input, options as WaitOptions);
    },
  );
  register(
    backup
      .command("hold <id>")
      .description("keep it whatever the policy says")
      .requiredOption("--reason <text>", "why, for whoever wonders later")
      .option("--wait", wait),
    (id, options) => {
      const { reason } = options as { readonly reason: string };
      return act(context, "holdBackup", "HoldBackupInput", { id, reason }, options as WaitOptions);
    },
  );
  register(backup.command("release <id>").description("end its hold").option("--wait", wait), (id, options) =>
    act(context, "releaseBackup", "ReleaseBackupInput", { id }, options as WaitOptions),
  );
  register(
    backup.command("note <id> <text>").description("write a note on it").option("--wait", wait),
    (id, note, options) => act(context, "annotateBackup", "AnnotateBackupInput", { id, note }, options as WaitOptions),
  );
  register(
    backup
      .command("delete <id>")
      .description("delete one backup; shows the plan, and acts only with --yes")
      .option("--yes", "execute the plan that is shown")
      .option("--wait", wait),
    (id, options) => deleteBackup(context, id as string, options as WaitOptions & { readonly yes?: boolean }),
  );
}

async function createBackup(context: CommandContext, server: string, options: CreateOptions): Promise<number> {
  const session = openSession(context, options);
  const serverId = await findServerId(session.api, server);
  const maxRateKib = options.maxRate === undefined ? null : Number(options.maxRate);
  if (maxRateKib !== null && (!Number.isSafeInteger(maxRateKib) || maxRateKib < 32 || maxRateKib > 1_048_576)) {
    throw new AppError("bad-request", { message: `--max-rate takes 32 to 1048576 KiB/s, not ${options.maxRate}` });
  }
  const input = {
    serverId,
    checkpoint: options.checkpoint.toUpperCase(),
    maxRateKib,
    label: options.label ?? null,
    method: options.method === undefined ? null : methodInput(options.method),
    memberName: options.from ?? null,
    reading: options.full === true ? "FULL" : "AUTO",
    ...(options.readers === undefined ? {} : await readersInput(session, server, options.readers, options.method)),
  };
  return actIn(session, "takeBackup", "TakeBackupInput", input, options.wait === true);
}

async function readersInput(
  session: Session,
  server: string,
  readers: string,
  method: BackupMethod | undefined,
): Promise<{ readers: number }> {
  const count = Number(readers);
  if (!Number.isSafeInteger(count) || count < 1 || count > 16) {
    throw new AppError("bad-request", { message: `--readers takes 1 to 16, not ${readers}` });
  }
  const used = method ?? lowerState((await fetchServer(session, server)).backupMethod);
  if (used === "stream") {
    throw new AppError("bad-request", {
      message: "a stream is read by one",
      hint: "--readers goes with --method read-files or local-files",
    });
  }
  return { readers: count };
}

function act(
  context: CommandContext,
  mutation: string,
  inputType: string,
  input: Readonly<Record<string, unknown>>,
  options: WaitOptions,
): Promise<number> {
  return actIn(openSession(context, options), mutation, inputType, input, options.wait === true);
}

async function actIn(
  session: Session,
  mutation: string,
  inputType: string,
  input: object,
  wait: boolean,
): Promise<number> {
  const { payload } = await session.api.query(
    z.object({ payload: z.object({ run: RunFacts.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: ${inputType}!) { payload: ${mutation}(input: $input) { run { ${runFields} } ${userErrorFields} } }`,
    { input },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.run === null) return exitCodes.done;
  return startedOrFinished(session, payload.run, wait);
}

async function listBackups(context: CommandContext, server: string, options: CommonOptions): Promise<number> {
  const { api, output } = openSession(context, options);
  const backups = await fetchAll(
    api,
    BackupFacts,
    `query ($first: Int!, $after: String, $serverId: ID) {
      list: backups(first: $first, after: $after, serverId: $serverId) { nodes { ${backupFields} } ${pageFields} } }`,
    { serverId: await findServerId(api, server) },
  );
  printList(
    output,
    backups,
    backupJson,
    [
      { title: "id", value: (row) => row.id },
      { title: "state", value: (row) => `${lowerState(row.state)}${row.damaged ? ", damaged" : ""}` },
      { title: "started", value: (row) => formatInstant(row.startedAt) },
      { title: "size", value: (row) => bytesText(row.sizeBytes), alignRight: true },
      { title: "stored", value: (row) => bytesText(row.storedBytes), alignRight: true },
      { title: "verified", value: (row) => formatInstant(row.verifiedAt) },
      { title: "proven", value: (row) => formatInstant(row.provenAt) },
      { title: "hold", value: (row) => (row.hold === null ? "" : "held") },
    ],
    `no backups of ${server} yet: \`tidemark backup create ${server}\``,
  );
  return exitCodes.done;
}

async function showBackup(context: CommandContext, id: string, options: CommonOptions): Promise<number> {
  const { api, output } = openSession(context, options);
  const { backup } = await api.query(
    z.object({ backup: BackupFacts.extend(BackupBytes.shape).nullable() }),
    `query ($id: ID!) { backup(id: $id) { ${backupFields} ${backupBytesFields} } }`,
    { id },
  );
  if (backup === null) {
    throw new AppError("not-found", {
      message: `there is no backup ${id}`,
      hint: "`tidemark backup list SERVER` shows them",
    });
  }
  printOne(output, { ...backupJson(backup), ...backupBytesJson(backup) }, [
    ["id", backup.id],
    ["server", backup.server.name],
    ["state", `${lowerState(backup.state)}${backup.damaged ? ", damaged" : ""}`],
    ["damage", backup.damageDetail],
    ["label", backup.label],
    ["started", formatInstant(backup.startedAt)],
    ["took", backup.durationMs === null ? null : formatDuration(backup.durationMs)],
    [
      "WAL",
      backup.startLsn === null ? null : `${backup.startLsn} … ${backup.stopLsn ?? "?"} on timeline ${backup.timeline}`,
    ],
    ["version", backup.serverVersion],
    ["size", `${bytesText(backup.sizeBytes)} in ${backup.fileCount ?? 0} files`],
    ...sizeLines(backup),
    ["server read", readingText(backup)],
    ["trust", trustText(backup)],
    ["repository", backup.repository.name],
    ...placeLines(backup),
    ["verified", formatInstant(backup.verifiedAt)],
    ["verified to", coverageText(backup.coverage)],
    ["proven", formatInstant(backup.provenAt)],
    ["held", backup.hold === null ? null : `by ${backup.hold.by}: ${backup.hold.reason}`],
    ["note", backup.note],
    ["kept because", backup.retentionReasons.join("; ") || null],
    ["error", backup.error === null ? null : `${backup.error.message} [${backup.error.code}]`],
  ]);
  return exitCodes.done;
}

function bytesText(bytes: string | null): string {
  return bytes === null ? "–" : formatBytes(BigInt(bytes));
}

async function deleteBackup(
  context: CommandContext,
  id: string,
  options: WaitOptions & { readonly yes?: boolean },
): Promise<number> {
  const session = openSession(context, options);
  const plan = await requestDeletion(session, { id });
  if (plan.plan === null) return exitCodes.failed;
  if (options.yes !== true) {
    printOne(session.output, { id, state: plan.plan.allowed ? "deletable" : "refused", ...plan.plan }, [
      ["plan", plan.plan.sentence],
      ...plan.plan.consequences.map((consequence) => ["then", consequence] as const),
    ]);
    session.output.note("nothing was deleted; repeat with --yes to execute this plan\n");
    return exitCodes.done;
  }
  const executed = await requestDeletion(session, { id, planHash: plan.plan.planHash });
  if (executed.run === null) return exitCodes.failed;
  return startedOrFinished(session, executed.run, options.wait === true);
}

const Deletion = z.object({
  plan: z
    .object({ planHash: z.string(), sentence: z.string(), consequences: z.array(z.string()), allowed: z.boolean() })
    .nullable(),
  run: RunFacts.nullable(),
  userErrors: z.array(UserError),
});

async function requestDeletion(session: Session, input: object): Promise<z.infer<typeof Deletion>> {
  const { deleteBackup: payload } = await session.api.query(
    z.object({ deleteBackup: Deletion }),
    `mutation ($input: DeleteBackupInput!) { deleteBackup(input: $input) {
      plan { planHash sentence consequences allowed } run { ${runFields} } ${userErrorFields} } }`,
    { input },
  );
  refuseUserErrors(payload.userErrors);
  return payload;
}
