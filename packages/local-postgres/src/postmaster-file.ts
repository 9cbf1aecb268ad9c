import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorCode } from "@tidemark/kit";

/** What a running postmaster writes into `postmaster.pid` (src/include/utils/pidfile.h). */
export interface PostmasterFile {
  readonly pid: number;
  /** Null while the postmaster has not got that far. */
  readonly port: number | null;
  readonly socketDir: string | null;
  /** `standby` is said only by a standby that will not take connections (hot_standby off). */
  readonly status: "starting" | "ready" | "standby" | "stopping" | null;
}

/** Reads `postmaster.pid`, or null when there is none (the cluster was shut down, or never started). */
export async function readPostmasterFile(dataDir: string): Promise<PostmasterFile | null> {
  try {
    return parsePostmasterFile(await readFile(join(dataDir, "postmaster.pid"), "utf8"));
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    throw error;
  }
}

/** Lines: pid, data directory, start time, port, socket directory, listen address, shared memory, status. */
export function parsePostmasterFile(text: string): PostmasterFile | null {
  const lines = text.split("\n").map((line) => line.trim());
  // A single-user backend writes its pid negated.
  const pid = Math.abs(Number(lines[0]));
  if (!Number.isInteger(pid) || pid === 0) return null;
  const port = Number(lines[3]);
  const status = lines[7];
  return {
    pid,
    port: Number.isInteger(port) && port > 0 ? port : null,
    socketDir: lines[4] === undefined || lines[4] === "" ? null : lines[4],
    status: isStatus(status) ? status : null,
  };
}

function isStatus(value: string | undefined): value is "starting" | "ready" | "standby" | "stopping" {
  return value === "starting" || value === "ready" || value === "standby" || value === "stopping";
}
