import { closeSync, copyFileSync, fstatSync, openSync, readSync, renameSync, statSync, truncateSync } from "node:fs";
import { maskSecrets, systemErrorCode } from "@tidemark/kit";

/**
 * The log of one child. The child writes the file itself (append mode), so nothing is lost or blocked when the
 * supervisor dies; we follow it to show what matters.
 */
export interface ChildLog {
  readonly path: string;
  /** A descriptor in append mode to hand to a child; the caller closes its own copy. */
  openForChild(): number;
  /** Reads what came since the last look; rotates when the file has grown past its bound. */
  follow(): readonly string[];
  /** The last lines that were seen, for the message about a death. */
  tail(): readonly string[];
}

/** Begins a new log; what was there becomes `<path>.1`. */
export function createChildLog(path: string): ChildLog {
  keepOld(path);
  let position = 0;
  let rest = "";
  const recent: string[] = [];
  return {
    path,
    openForChild: () => openSync(path, "a", 0o600),
    follow() {
      const { text, end } = readFrom(path, position);
      position = end;
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        recent.push(line);
        if (recent.length > tailLines) recent.shift();
      }
      if (position > rotateAtBytes) {
        // The child keeps its descriptor, so the file is copied and emptied in place; a line written in between is lost.
        copyFileSync(path, `${path}.1`);
        truncateSync(path, 0);
        position = 0;
      }
      return lines.filter((line) => line !== "");
    },
    tail: () => recent.slice(),
  };
}

/** The sentence of a log line worth a person's attention (errors and worse), or null. */
export function importantLine(line: string): string | null {
  if (!line.startsWith("{")) return null;
  try {
    const entry = JSON.parse(line) as { level?: unknown; msg?: unknown; err?: { message?: unknown } };
    // pino: 50 is error, 60 is fatal.
    if (typeof entry.level !== "number" || entry.level < 50) return null;
    const what = typeof entry.msg === "string" ? entry.msg : "error";
    const why = typeof entry.err?.message === "string" && entry.err.message !== what ? `: ${entry.err.message}` : "";
    return maskSecrets(`${what}${why}`);
  } catch {
    return null; // not a line of our logger
  }
}

function readFrom(path: string, position: number): { text: string; end: number } {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return { text: "", end: 0 };
    throw error;
  }
  try {
    const sizeBytes = fstatSync(descriptor).size;
    const from = sizeBytes < position ? 0 : position;
    const buffer = Buffer.alloc(Math.min(sizeBytes - from, mostBytesPerLook));
    const count = readSync(descriptor, buffer, 0, buffer.length, from);
    return { text: buffer.toString("utf8", 0, count), end: from + count };
  } finally {
    closeSync(descriptor);
  }
}

function keepOld(path: string): void {
  try {
    if (statSync(path).size > 0) renameSync(path, `${path}.1`);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
}

const tailLines = 20;
const rotateAtBytes = 16 * 1024 * 1024;
const mostBytesPerLook = 256 * 1024;
