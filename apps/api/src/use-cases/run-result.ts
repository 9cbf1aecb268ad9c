import type { Json, Run, TokenAccess } from "@tidemark/metadata";

/**
 * What lists show of a run's result. A recovery kit is sealed for its asker and is downloaded, not listed; a file's
 * bytes (up to 2 MB, sealed too) are given where one run is asked for.
 */
export function listedResult(run: Run, access: TokenAccess | undefined): Json {
  const result = wholeResult(run, access);
  if (run.kind !== "server-act" || !isObject(result)) return result;
  const { sealedBytes: _left, ...rest } = result;
  return rest;
}

/** The result where one run is asked for, by somebody with this access. */
export function wholeResult(run: Run, access: TokenAccess | undefined): Json {
  if (run.kind === "recovery-kit") return null;
  const isClosed = run.kind === "server-act" && isObject(run.result) && fullAccessActs.has(run.result.kind);
  return isClosed && access !== "full" ? null : run.result;
}

/** Acts that full access is needed for since they show what a server keeps to itself; so does what they brought. */
const fullAccessActs: ReadonlySet<Json | undefined> = new Set(["settings", "file-stat", "read-file"]);

function isObject(result: Json): result is { readonly [name: string]: Json } {
  return typeof result === "object" && result !== null && !Array.isArray(result);
}
