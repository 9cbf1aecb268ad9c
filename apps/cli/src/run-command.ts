import { describeError, maskSecrets } from "@tidemark/kit";
import { CommanderError } from "commander";
import type { Program } from "./command-line.ts";
import type { CommandContext } from "./context.ts";
import { exitCodeFor, exitCodes } from "./exit-code.ts";

/** Runs one command line; says on standard error what went wrong, and answers the exit code. Never throws. */
export async function runCommand(context: CommandContext, args: readonly string[]): Promise<number> {
  try {
    return await (await programFor(args))(context).run(args);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    const described = describeError(error);
    const { note } = context.output("table");
    note(`tidemark: ${maskSecrets(described.message)} [${described.code}]\n`);
    if (described.hint !== null) note(`  ${described.hint}\n`);
    return exitCodeFor(error);
  }
}

/** Who calls `tidemark wal` waits, and needs a small part of it all. */
async function programFor([subject]: readonly string[]): Promise<(context: CommandContext) => Program> {
  if (subject === "wal") return (await import("./wal-program.ts")).buildWalProgram;
  return (await import("./program.ts")).buildProgram;
}
