import { readStartSettings } from "./config.ts";
import { createConsoleReport } from "./console-report.ts";
import { startProduct } from "./start-product.ts";
import { stopRequests } from "./stop-requests.ts";

// Node's warnings are about its own features (WebAssembly modules); the terminal is for people.
process.removeAllListeners("warning");
process.exitCode = await main();

/** Starts everything, waits until told to stop, stops everything in order. 0 after an orderly stop. */
async function main(): Promise<number> {
  const report = createConsoleReport(process.stdout);
  const stop = stopRequests(process.env.TIDEMARK_BOOTSTRAP);
  try {
    const settings = readStartSettings(process.env, process.cwd(), process.argv.slice(2));
    const product = await startProduct(settings, process.env, report, stop);
    await stop.first;
    report.line("\nStopping; running acts may finish within ten seconds (Ctrl-C again stops at once).");
    const how = await Promise.race([
      product.stop().then(() => "orderly" as const),
      stop.second.then(() => "at once" as const),
    ]);
    if (how === "at once") {
      await product.kill();
      report.line("Stopped at once; the next start puts everything right.");
      process.exit(130);
    }
    report.line("Stopped.");
    return 0;
  } catch (error) {
    if (stop.asked()) {
      report.line("Stopped before the start was complete.");
      return 0;
    }
    report.fail(error);
    return 1;
  }
}
