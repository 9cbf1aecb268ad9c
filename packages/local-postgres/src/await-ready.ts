import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { AppError, systemClock } from "@tidemark/kit";
import { ping } from "./ping.ts";
import type { Postmaster } from "./postmaster.ts";
import { readPostmasterFile } from "./postmaster-file.ts";
import { lacksSpace, readServerLog, reasonInLog } from "./server-log.ts";
import type { StartClusterOptions } from "./start-options.ts";

/** How a start ended. */
export type StartOutcome = "ready" | "exited" | "timeout" | "cancelled";

/** Asks until the server takes connections, has ended, the time is up or the caller has had enough. */
export async function awaitReady(start: {
  readonly postmaster: Postmaster;
  readonly dataDir: string;
  readonly socketDir: string;
  readonly port: number;
  readonly options: StartClusterOptions;
}): Promise<StartOutcome> {
  const { postmaster, options } = start;
  const startedMs = systemClock.monotonicMs();
  for (;;) {
    if (postmaster.hasExited()) return "exited";
    if (options.signal?.aborted === true) return "cancelled";
    if (systemClock.monotonicMs() - startedMs > (options.startTimeoutMs ?? 60_000)) return "timeout";
    const file = await readPostmasterFile(start.dataDir);
    if (file?.pid === postmaster.pid && file.status === "standby") return "ready";
    // Who knocks before is turned away with a FATAL line in the server's log, which is a drill's evidence.
    if (file?.pid === postmaster.pid && file.status === "ready") {
      const socketPath = join(start.socketDir, `.s.PGSQL.${start.port}`);
      const answer = await ping({ path: socketPath }, options.superuser ?? "postgres", 2_000);
      if (answer === "accepting" && !postmaster.hasExited()) return "ready";
    }
    await Promise.race([delay(25), postmaster.exited]);
  }
}

/** The error for a start that did not end in `ready`, with the server's own words. */
export async function whyNotStarted(
  outcome: Exclude<StartOutcome, "ready">,
  start: {
    readonly logPath: string;
    readonly logOffset: number;
    readonly dataDir: string;
    readonly port: number;
    readonly options: StartClusterOptions;
  },
): Promise<AppError> {
  const { dataDir, logPath, port, options } = start;
  const major = options.installation.major;
  const log = await readServerLog(logPath, start.logOffset);
  if (outcome === "cancelled") {
    return new AppError("cancelled", { message: `the start of PostgreSQL ${major} in ${dataDir} was cancelled` });
  }
  if (outcome === "timeout") {
    return new AppError("postgres-start-failed", {
      message: `PostgreSQL ${major} in ${dataDir} took no connections within ${options.startTimeoutMs ?? 60_000} ms; it was stopped. Its log ends: ${log.trim().split("\n").at(-1) ?? ""}`,
      hint: `recovery may need longer; its log is ${logPath}`,
      context: { dataDir, logPath },
    });
  }
  if (/could not bind .*: Address already in use/.test(log)) {
    return new AppError("port-taken", {
      message: `port ${port} of 127.0.0.1 is taken, so PostgreSQL ${major} in ${dataDir} did not start`,
      hint: "choose another port, or stop the program that listens there",
      context: { dataDir, port },
    });
  }
  const full = lacksSpace(log);
  return new AppError(full ? "disk-full" : "postgres-start-failed", {
    message: `PostgreSQL ${major} in ${dataDir} did not start: ${reasonInLog(log)}`,
    hint: full ? "free some space there and start again; no data is lost" : `its whole log is ${logPath}`,
    // Off Linux we cannot see the orphans of a dead postmaster; they end within moments.
    context: { dataDir, logPath, lingering: log.includes("pre-existing shared memory block is still in use") },
  });
}
