import { once } from "node:events";
import { describeError, maskSecrets, systemClock } from "@tidemark/kit";
import { CommanderError } from "commander";
import type { CommandContext } from "./context.ts";
import { exitCodeFor, exitCodes } from "./exit-code.ts";
import { buildProgram } from "./program.ts";

const context: CommandContext = {
  environment: process.env,
  stdinIsTerminal: process.stdin.isTTY === true,
  clock: systemClock,
  bytes: {
    isTerminal: process.stdout.isTTY === true,
    write: async (bytes) => {
      if (!process.stdout.write(bytes)) await once(process.stdout, "drain");
    },
  },
  output: (format) => ({
    format,
    write: (text) => process.stdout.write(text),
    note: (text) => process.stderr.write(text),
    interactive: process.stderr.isTTY === true,
  }),
};

// A reader that has seen enough (`| head`) closes the pipe: not an error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? exitCodes.done : exitCodes.failed);
});

try {
  process.exitCode = await buildProgram(context).run(process.argv.slice(2));
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  const described = describeError(error);
  process.stderr.write(`tidemark: ${maskSecrets(described.message)} [${described.code}]\n`);
  if (described.hint !== null) process.stderr.write(`  ${described.hint}\n`);
  return exitCodeFor(error);
}
