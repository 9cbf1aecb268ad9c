import { AppError, systemClock } from "@tidemark/kit";
import { createLogger } from "@tidemark/kit/logger";
import { startWalAgent } from "./wal-agent.ts";

/** Starts an agent in a folder once told to, and says whether it is the one. Arguments: the folder. */
const [spool = ""] = process.argv.slice(2);
process.stdout.write("ready\n");
process.stdin.once("data", () => void begin());

async function begin(): Promise<void> {
  const settings = { spool, socket: `${spool}/agent.sock`, parallel: 1, prefetch: 1, retryMs: 1, idleMs: null };
  const never = () => Promise.reject(new Error("nobody asks"));
  try {
    await startWalAgent(
      { ...settings, version: `of ${process.pid}` },
      {
        push: never,
        places: { archives: never, close: never } as never,
        settingsIdentity: "test",
        readSettingsIdentity: async () => "test",
        clock: systemClock,
        logger: createLogger({ name: "test", level: "silent" }),
      },
    );
    process.stdout.write("runs\n");
  } catch (error) {
    process.stdout.write(`${error instanceof AppError ? error.code : String(error)}\n`);
    process.exit();
  }
}
