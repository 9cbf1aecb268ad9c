import { Command, Option } from "commander";
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

/** Adds the commands of one subject. */
export type AddCommands = (root: Command, context: CommandContext, register: Register) => void;

export function commandLine(context: CommandContext, subjects: readonly AddCommands[]): Program {
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
  for (const addCommands of subjects) addCommands(root, context, register);
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
