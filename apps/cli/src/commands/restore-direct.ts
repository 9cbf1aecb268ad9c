import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type ActEvent,
  executeRestore,
  planRestore,
  type RecoveryRequest,
  type RestorePlan,
  type RestoreReport,
} from "@tidemark/engine";
import { AppError, formatBytes, formatDuration, systemClock } from "@tidemark/kit";
import { formatLsn, type Lsn } from "@tidemark/postgres";
import { keepHeapSmall, type ServerArea } from "@tidemark/repository";
import type { Command } from "commander";
import type { CommandContext, CommonOptions } from "../context.ts";
import { type DirectArea, withDirectArea } from "../direct-area.ts";
import { credentialsFileHelp, storeAddressHelp } from "../direct-store.ts";
import { exitCodes } from "../exit-code.ts";
import { type Output, printOne } from "../output.ts";
import type { Register } from "../program.ts";
import { ProgressLine } from "../progress-line.ts";
import { addRecoveryOptions, type RecoveryOptions, wantedRecovery } from "../recovery-options.ts";
import { collectTablespace, type TablespaceOption } from "../tablespace-option.ts";

interface DirectOptions extends CommonOptions, DirectArea, RecoveryOptions {
  readonly backup?: string;
  readonly to: string;
  readonly tablespace: readonly TablespaceOption[];
  readonly owner?: string;
  readonly delta?: boolean;
  readonly database: readonly string[];
  readonly yes?: boolean;
}

/** `restore direct`: the way back when there is no control plane, with nothing but the repository and its key. */
export function addDirectRestore(restore: Command, context: CommandContext, register: Register): void {
  register(
    addRecoveryOptions(restore.command("direct"))
      .description("restore straight from a repository, on this host, without a control plane")
      .requiredOption("--repository <url>", storeAddressHelp)
      .option("--credentials-file <file>", credentialsFileHelp)
      .option("--key-file <file>", "the repository's key file, its recovery kit, or an age identity file")
      .option("--passphrase-file <file>", "its passphrase instead")
      .option("--second <url>", "a second repository with copies, for what the first cannot give")
      .option("--second-credentials-file <file>", "what opens that store; else TIDEMARK_STORE_* is used")
      .option("--second-key-file <file>", "the second repository's key file, when it is not the first's")
      .option("--second-passphrase-file <file>", "its passphrase instead")
      .requiredOption("--server <name>", "the server's name, or its id")
      .option("--backup <id>", "which backup; the newest restorable one unless told")
      .requiredOption("--to <dir>", "an empty directory; with --delta the data directory to rewrite")
      .option("--tablespace <old=new>", "where a tablespace goes; once for each", collectTablespace, [])
      .option("--owner <user>", "who owns the result, when run by root; else the owner of the directory")
      .option("--delta", "rewrite only what differs in a stopped server's data directory, after --yes")
      .option("--database <name>", "restore only this database whole; once for each", collectName, [])
      .option("--yes", "do what a --delta plan shows"),
    (options) => restoreDirect(context, options as DirectOptions),
  );
}

async function restoreDirect(context: CommandContext, options: DirectOptions): Promise<number> {
  // Nothing was read yet: what V8 takes for lasting is decided as it comes.
  keepHeapSmall();
  const output = context.output(options.output);
  const abort = new AbortController();
  const onInterrupt = (): void =>
    abort.abort(
      new AppError("cancelled", {
        message: "the restore was stopped",
        hint: "the directory is marked unfinished; run it again",
      }),
    );
  process.once("SIGINT", onInterrupt);
  process.once("SIGTERM", onInterrupt);
  try {
    const { plan, report } = await withDirectArea(context.environment, options, output, (area) =>
      restoreFrom(area, options, context, output, abort.signal),
    );
    print(output, plan, report);
    return exitCodes.done;
  } finally {
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onInterrupt);
  }
}

async function restoreFrom(
  area: ServerArea,
  options: DirectOptions,
  context: CommandContext,
  output: Output,
  signal: AbortSignal,
): Promise<{ plan: RestorePlan; report: RestoreReport }> {
  const deps = { area, clock: systemClock };
  const request = {
    backupId: options.backup ?? null,
    targetDirectory: resolve(options.to),
    tablespaces: options.tablespace,
    owner: options.owner ?? null,
    keepSignalFiles: false,
    allowedRoots: null,
    delta: options.delta === true,
    databases: options.database.length === 0 ? null : options.database,
    recovery: recoveryOf(options, context),
    adopt: options.adopt === true,
  };
  const plan = await planRestore(deps, request, signal);
  output.note(`${plan.sentence}\n`);
  if (plan.recovery !== null) output.note(`takes ${plan.estimate.how}\n`);
  for (const check of plan.checks) if (check.state === "warning") output.note(`warning: ${check.sentence}\n`);
  if (plan.delta !== null && options.yes !== true && plan.delta.comparedFiles + plan.delta.removedCount > 0) {
    for (const path of plan.delta.removed.slice(0, removedShown)) output.note(`removes ${path}\n`);
    const more = plan.delta.removedCount - removedShown;
    if (more > 0) output.note(`removes ${more} more\n`);
    const failed = plan.checks.find((check) => check.state === "failed");
    throw new AppError(failed?.code ?? "bad-request", {
      message: failed?.sentence ?? "a delta restore rewrites what is there and was not confirmed",
      hint: "nothing was changed; repeat with --yes to do what this plan shows",
    });
  }
  const line = new ProgressLine(output);
  const report = await executeRestore(deps, plan, { signal, emit: (event) => line.show(progressOf(event)) });
  line.end();
  return { plan, report };
}

/** The restored server runs on this host, so it is given the command that restores it. */
function recoveryOf(options: DirectOptions, context: CommandContext): RecoveryRequest | null {
  const wanted = wantedRecovery(options, context.environment);
  if (wanted === null) return null;
  const { walConfig, ...recovery } = wanted;
  const program = fileURLToPath(new URL("../../bin/tidemark", import.meta.url));
  return { ...recovery, fetch: walConfig === null ? null : { program, configPath: walConfig } };
}

/** Collects `--database NAME`. */
export function collectName(name: string, previous: readonly string[]): readonly string[] {
  return previous.includes(name) ? previous : [...previous, name];
}

const removedShown = 20;

function progressOf(event: ActEvent): Parameters<ProgressLine["show"]>[0] {
  const at = systemClock.now().toISOString();
  const base = { at, level: "info", phase: null, message: "", done: null, total: null };
  switch (event.kind) {
    case "progress":
      return {
        ...base,
        level: "debug",
        phase: "copying",
        done: `${event.doneBytes}`,
        total: event.totalBytes === null ? null : `${event.totalBytes}`,
      };
    case "phase":
      return { ...base, phase: event.phase, message: event.message };
    case "log":
      return { ...base, level: event.level, message: event.message };
  }
}

function print(output: Output, plan: RestorePlan, report: RestoreReport): void {
  const json = {
    id: report.backupId,
    state: "restored",
    server: plan.serverName,
    targetDirectory: report.targetDirectory,
    recovery: recoveryJson(plan),
    fileCount: report.fileCount,
    writtenBytes: `${report.writtenBytes}`,
    findings: report.findings,
    durationMs: Math.round(report.durationMs),
    nextSteps: report.nextSteps,
  };
  printOne(output, json, [
    ["restored", `${plan.serverName}, backup ${report.backupId}`],
    ["into", report.targetDirectory],
    ["recovery", plan.recovery?.sentence ?? null],
    [
      "wrote",
      `${formatBytes(report.writtenBytes)} in ${report.fileCount} files, in ${formatDuration(report.durationMs)}`,
    ],
    ...report.findings.map((finding) => ["note", finding] as const),
    ...report.nextSteps.map((step) => ["next", step] as const),
  ]);
}

/** Nothing of it has happened yet: it begins when the restored server is started. */
function recoveryJson({ recovery }: RestorePlan) {
  if (recovery === null) return null;
  const { timeline, through, segments, storedBytes, sentence } = recovery;
  return {
    ...{ sentence, timeline, throughLsn: formatLsn(through.lsn as Lsn), throughAt: through.at?.toISOString() ?? null },
    ...{ segments: segments.length, storedBytes: `${storedBytes}`, state: "when-started" },
  };
}
