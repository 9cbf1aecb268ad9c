import { describeError, type Logger } from "@tidemark/kit";
import { createLogger } from "@tidemark/kit/logger";
import { keepHeapSmall } from "@tidemark/repository";
import { readWorkerSettings } from "./config.ts";
import { startWorker } from "./start-worker.ts";

/** Running acts get this long to finish; with their cleanup a stop stays within ten seconds. */
const finishWithinMs = 8_000;

// Below the constants: this module is not evaluated further until the worker has stopped.
await main();

async function main(): Promise<void> {
  let logger = createLogger({ name: "worker" });
  keepHeapSmall();
  try {
    const settings = readWorkerSettings(process.env, process.cwd());
    logger = createLogger({ name: "worker", level: settings.logLevel });
    const stopping = stopSignal(logger);
    const worker = await startWorker(settings, logger);
    await stopping;
    await worker.stop(finishWithinMs);
  } catch (error) {
    const { message, hint } = describeError(error);
    logger.fatal({ err: error }, `the worker cannot go on: ${message}${hint === null ? "" : `; ${hint}`}`);
    // What is still open would keep the process alive.
    process.exit(1);
  }
}

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. */
function stopSignal(logger: Logger): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    for (const name of ["SIGTERM", "SIGINT"] as const) {
      process.on(name, () => {
        if (asked) {
          logger.warn("the worker was told twice to stop; it ends at once");
          process.exit(1);
        }
        asked = true;
        resolve();
      });
    }
    process.on("SIGHUP", () => logger.info("nothing is reloaded at run time; changed settings need a restart"));
  });
}
