import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { systemErrorCode } from "./app-error.ts";

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it began, in the system's own words; null where the system does not tell. */
  readonly began: string | null;
}

/** The identity of a living process, or null when there is none with that number. */
export function identifyProcess(pid: number): ProcessIdentity | null {
  if (process.platform === "linux") return identifyOnLinux(pid);
  if (!answersToSignals(pid)) return null;
  if (process.platform === "win32") return { pid, began: null };
  try {
    const began = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
    return began === "" ? null : { pid, began };
  } catch {
    // `ps` exits non-zero for a process that ended meanwhile.
    return null;
  }
}

/** Whether that very process still lives, rather than another one that was given its number. */
export function isProcessAlive(identity: ProcessIdentity): boolean {
  const now = identifyProcess(identity.pid);
  return now !== null && now.began === identity.began;
}

/** proc(5): field 22 of `stat` is the start time in clock ticks since boot; with the boot id it is unique. */
function identifyOnLinux(pid: number): ProcessIdentity | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name (field 2) is in parentheses and may hold anything, so fields are counted behind the last one.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return null; // dead, only not yet reaped
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return { pid, began: `${boot}/${fields[19]}` };
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ESRCH") return null;
    throw error;
  }
}

function answersToSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === "EPERM";
  }
}
