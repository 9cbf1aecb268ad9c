import { once } from "node:events";
import { systemClock } from "@tidemark/kit";
import type { CommandContext } from "./context.ts";
import { exitCodes } from "./exit-code.ts";
import { runCommand } from "./run-command.ts";

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

process.exitCode = await runCommand(context, process.argv.slice(2));
