// Loaded into every child with `--import`: a child whose supervisor is gone (kill -9) stops as if it had been told to,
// and ends for good a little later than an orderly stop may take. A child is never left behind.
import { isMainThread } from "node:worker_threads";

if (isMainThread && process.channel !== undefined) {
  process.once("disconnect", () => {
    process.kill(process.pid, "SIGTERM");
    // Longer than the ten seconds running acts are given to finish or to end as interrupted.
    setTimeout(() => process.exit(1), 13_000).unref();
  });
  // Without this the channel alone would keep a child alive that has nothing left to do.
  process.channel.unref();
}
