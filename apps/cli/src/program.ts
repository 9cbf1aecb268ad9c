import { Command, Option } from "commander";
import { addBackupCommands } from "./commands/backup.ts";
import { addCatalogCommands } from "./commands/catalog.ts";
import { addCloneCommands } from "./commands/clone.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addPolicyCommands } from "./commands/policy.ts";
import { addRepositoryCommands } from "./commands/repository.ts";
import { addRestoreCommands } from "./commands/restore.ts";
import { addRetentionCommands } from "./commands/retention.ts";
import { addRunCommands } from "./commands/run.ts";
import { addServerCommands } from "./commands/server.ts";
import { addStatusCommand } from "./commands/status.ts";
import { addWalCommands } from "./commands/wal.ts";
import { addWindowCommands } from "./commands/window.ts";
import type { CommandContext } from "./context.ts";
import { exitCodes } from "./exit-code.ts";
import { outputFormats } from "./output.ts";
import { version } from "./version.ts";

/** A command's work; the number it answers is the process's exit code. */
export type Act = (...args: readonly unknown[]) => Promise<number>;

export interface Program {
  /** Every command in words: `server check`. */
  readonly commands: readonly string[];
  run(args: readonly string[]): Promise<number>;
}

/** Gives a command the options all share and wires its act, whose answer becomes the exit code. */
export type Register = (command: Command, act: Act) => void;

export function buildProgram(context: CommandContext): Program {
  const root = new Command("tidemark")
    .description("Keeps PostgreSQL servers restorable: takes, verifies, restores and proves physical backups")
    .version(version, "-V, --version")
    .showHelpAfterError("  add --help for what is possible")
    // As every other failure reads: what, and the stable code.
    .configureOutput({ outputError: (text, write) => write(`tidemark: ${describeUsage(text)} [bad-request]\n`) })
    .exitOverride();
  let exitCode: number = exitCodes.done;
  const register: Register = (command, act) => {
    command
      .addOption(new Option("-o, --output <format>", "how to print").choices([...outputFormats]).default("table"))
      .exitOverride()
      .action(async (...args: unknown[]) => {
        exitCode = await act(...args);
      });
  };
  addServerCommands(root, context, register);
  addBackupCommands(root, context, register);
  addRestoreCommands(root, context, register);
  addRetentionCommands(root, context, register);
  addPolicyCommands(root, context, register);
  addCloneCommands(root, context, register);
  addRunCommands(root, context, register);
  addRepositoryCommands(root, context, register);
  addCatalogCommands(root, context, register);
  addStatusCommand(root, context, register);
  addWindowCommands(root, context, register);
  addWalCommands(root, context, register);
  addDoctorCommand(root, context, register);
  return {
    commands: commandNames(root),
    async run(args) {
      await root.parseAsync([...args], { from: "user" });
      return exitCode;
    },
  };
}

function describeUsage(text: string): string {
  return text
    .replace(/^error: /, "")
    .trim()
    .replaceAll(/\s*\n\s*/g, " ");
}

function commandNames(command: Command): readonly string[] {
  return command.commands.flatMap((child) => {
    const below = commandNames(child);
    return below.length === 0 ? [child.name()] : below.map((name) => `${child.name()} ${name}`);
  });
}
