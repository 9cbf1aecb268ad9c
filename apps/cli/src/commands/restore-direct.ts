import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type ActEvent, executeRestore, planRestore, type RestorePlan, type RestoreReport } from "@tidemark/engine";
import { AppError, formatBytes, formatDuration, Secret, systemClock } from "@tidemark/kit";
import {
  keepHeapSmall,
  openRepository,
  type Repository,
  type RepositoryKey,
  repositoryKeyFromText,
  type ServerArea,
} from "@tidemark/repository";
import { ReadOnlyStore } from "@tidemark/storage";
import type { Command } from "commander";
import type { CommandContext, CommonOptions } from "../context.ts";
import { credentialsFileHelp, openDirectStore, storeAddressHelp } from "../direct-store.ts";
import { exitCodes } from "../exit-code.ts";
import { type Output, printOne } from "../output.ts";
import type { Register } from "../program.ts";
import { ProgressLine } from "../progress-line.ts";
import { collectTablespace, type TablespaceOption } from "../tablespace-option.ts";

interface DirectOptions extends CommonOptions {
  readonly repository: string;
  readonly credentialsFile?: string;
  readonly keyFile?: string;
  readonly passphraseFile?: string;
  readonly server: string;
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
    restore
      .command("direct")
      .description("restore straight from a repository, on this host, without a control plane")
      .requiredOption("--repository <url>", storeAddressHelp)
      .option("--credentials-file <file>", credentialsFileHelp)
      .option("--key-file <file>", "the repository's key file, its recovery kit, or an age identity file")
      .option("--passphrase-file <file>", "its passphrase instead")
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
  // A restore only reads, and must work from a copy on read-only media.
  const store = new ReadOnlyStore(await openDirectStore(context.environment, options));
  const repository = await openRepository(store, { key: readRepositoryKey(options) });
  try {
    const area = await findArea(repository, options.server);
    const { plan, report } = await restoreFrom(area, options, output, abort.signal);
    print(output, plan, report);
    return exitCodes.done;
  } finally {
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onInterrupt);
    await repository.close();
  }
}

async function restoreFrom(
  area: ServerArea,
  options: DirectOptions,
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
  };
  const plan = await planRestore(deps, request, signal);
  output.note(`${plan.sentence}\n`);
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

/** The key a command names by `--key-file` or `--passphrase-file`; null: none, for what is not encrypted. */
export function readRepositoryKey(options: Pick<DirectOptions, "keyFile" | "passphraseFile">): RepositoryKey | null {
  if (options.keyFile !== undefined && options.passphraseFile !== undefined) {
    throw new AppError("bad-request", { message: "give --key-file or --passphrase-file, not both" });
  }
  if (options.keyFile !== undefined) return keyOfFile(options.keyFile);
  if (options.passphraseFile === undefined) return null;
  return { kind: "passphrase", text: new Secret(readText(options.passphraseFile).replace(/\r?\n$/, "")) };
}

/** A key file, a recovery kit with one in it (nobody should have to cut it out by hand at night), or an age identity. */
function keyOfFile(path: string): RepositoryKey {
  const key = repositoryKeyFromText(new Secret(readText(path)));
  if (key.kind !== "passphrase") return key;
  throw new AppError("repository-key-wrong", {
    message: `${path} is no key file, no recovery kit with a key and no age identity`,
    hint: "give a passphrase with --passphrase-file",
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new AppError("repository-key-missing", {
      message: `${path} cannot be read`,
      hint: "nothing was written",
      cause,
    });
  }
}

/** The area of a server by id, or by the name its newest backup carries. Throws when a name is missing or not unique. */
async function findArea(repository: Repository, nameOrId: string): Promise<ServerArea> {
  const ids = await repository.serverIds();
  if (ids.includes(nameOrId)) return repository.area(nameOrId);
  const names = new Map<string, string[]>();
  for (const id of ids) {
    const newest = (await repository.area(id).listBackups()).findLast((backup) => backup.facts !== null);
    const name = newest?.facts?.serverName;
    if (name !== undefined) names.set(name, [...(names.get(name) ?? []), id]);
  }
  const found = names.get(nameOrId) ?? [];
  const [only] = found;
  if (found.length === 1 && only !== undefined) return repository.area(only);
  if (found.length > 1) {
    throw new AppError("bad-request", {
      message: `${nameOrId} is the name of ${found.length} servers in ${repository.location}`,
      hint: `name one by its id: ${found.join(", ")}`,
    });
  }
  throw new AppError("not-found", {
    message: `there is no server ${nameOrId} in ${repository.location}`,
    hint: names.size === 0 ? "it holds no readable backup" : `it holds ${[...names.keys()].join(", ")}`,
  });
}

function print(output: Output, plan: RestorePlan, report: RestoreReport): void {
  const json = {
    id: report.backupId,
    state: "restored",
    server: plan.serverName,
    targetDirectory: report.targetDirectory,
    fileCount: report.fileCount,
    writtenBytes: `${report.writtenBytes}`,
    findings: report.findings,
    durationMs: Math.round(report.durationMs),
    nextSteps: report.nextSteps,
  };
  printOne(output, json, [
    ["restored", `${plan.serverName}, backup ${report.backupId}`],
    ["into", report.targetDirectory],
    [
      "wrote",
      `${formatBytes(report.writtenBytes)} in ${report.fileCount} files, in ${formatDuration(report.durationMs)}`,
    ],
    ...report.findings.map((finding) => ["note", finding] as const),
    ...report.nextSteps.map((step) => ["next", step] as const),
  ]);
}
