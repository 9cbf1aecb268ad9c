import { existsSync } from "node:fs";
import { open, rename, stat } from "node:fs/promises";
import { systemErrorCode } from "@tidemark/kit";

/** A log that has grown past this is set aside (one generation, `.1`) at the next start. */
const rotateAboveBytes = 16 * 1024 * 1024;

/** Opens the log for a new start; gives the descriptor for the child and where this start's lines begin. */
export async function openServerLog(path: string): Promise<{ fd: number; offset: number; close: () => Promise<void> }> {
  if (existsSync(path) && (await stat(path)).size > rotateAboveBytes) await rename(path, `${path}.1`);
  const handle = await open(path, "a", 0o600);
  const { size } = await handle.stat();
  return { fd: handle.fd, offset: size, close: () => handle.close() };
}

/** The log from `offset` on, at most its last 64 KiB. */
export async function readServerLog(path: string, offset: number): Promise<string> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(path, "r");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return "";
    throw error;
  }
  try {
    const { size } = await handle.stat();
    const from = Math.max(Math.min(offset, size), size - 64 * 1024);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from);
    return buffer.subarray(0, bytesRead).toString("utf8");
  } finally {
    await handle.close();
  }
}

/**
 * Whether what a server or one of its tools wrote tells of a disk that is full, in its own words (errno's, at the end of
 * the line, or how much of a block it took: md.c, mdextend). What somebody asked or stored may hold the same words, but
 * never there in a line of this severity.
 */
export function lacksSpace(log: string): boolean {
  return /\b(?:ERROR|FATAL|PANIC|error|fatal):[^\n]*: (?:No space left on device$|Disk quota exceeded$|wrote only \d+ of \d+ bytes\b)/m.test(
    log,
  );
}

/** The line that says why a server did not start: its last FATAL or PANIC with detail and hint, else its last line. */
export function reasonInLog(log: string): string {
  const lines = log.split("\n").filter((line) => line.trim() !== "");
  const at = lines.findLastIndex((line) => /\b(FATAL|PANIC):/.test(line));
  if (at === -1) return lines.at(-1)?.trim() ?? "it wrote nothing to its log";
  const followers: string[] = [];
  for (const line of lines.slice(at + 1)) {
    if (!/\b(DETAIL|HINT):/.test(line)) break;
    followers.push(line.replace(/^.*\b(DETAIL|HINT):\s*/, ""));
  }
  const reason = (lines[at] ?? "").replace(/^.*?\b(FATAL|PANIC):\s*/, "");
  return [reason, ...followers].join("; ");
}
