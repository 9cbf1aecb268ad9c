import { isAbsolute } from "node:path";
import { AppError, describeError, type ErrorCode, isErrorCode } from "@tidemark/kit";

/** What a client says to the agent, one line each (docs/archive-protocol.md). */
export type AgentRequest =
  | { readonly kind: "archive"; readonly name: string; readonly path: string }
  | { readonly kind: "ping" };

/** Longer than any path a kernel takes (PATH_MAX is 4096). */
export const longestLine = 8192;

/** Null: not understood. */
export function parseAgentRequest(line: string): AgentRequest | null {
  if (line === "PING") return { kind: "ping" };
  const [, name, path] = /^ARCHIVE ([0-9A-Za-z.]+) (.+)$/.exec(line) ?? [];
  if (name === undefined || path === undefined || !isAbsolute(path)) return null;
  return path.endsWith(`/${name}`) ? { kind: "archive", name, path } : null;
}

/** `ERROR <code> <sentence>`, whatever was thrown, on one line; what can be done stands in the sentence, behind a dash. */
export function errorLine(error: unknown): string {
  const { code, message, hint } = describeError(error);
  const text = hint === null ? message : `${message} - ${hint}`;
  // Of paths and lists that are longer than a line may be, the end can be done without.
  return `ERROR ${code} ${text.replaceAll(/\s+/g, " ").slice(0, longestLine / 4)}`;
}

/** The answer as the client takes it: nothing, or it throws. */
export function readAnswer(line: string): void {
  if (line === "OK" || line.startsWith("OK ")) return;
  const [, code = "", sentence] = /^ERROR (\S+) (.+)$/.exec(line) ?? [];
  const known: ErrorCode = isErrorCode(code) ? code : "protocol-violation";
  throw new AppError(known, { message: sentence ?? `the agent answered ${JSON.stringify(line)}` });
}
