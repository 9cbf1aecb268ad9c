import type { Json, Run } from "@tidemark/metadata";

/**
 * What lists show of a run's result. A recovery kit is sealed for its asker and is downloaded, not listed; a file's
 * bytes (up to 2 MB, sealed too) are given where one run is asked for.
 */
export function listedResult(run: Run): Json {
  if (run.kind === "recovery-kit") return null;
  if (run.kind !== "server-act" || run.result === null || typeof run.result !== "object") return run.result;
  const { sealedBytes: _left, ...rest } = run.result as { readonly [name: string]: Json };
  return rest;
}

/** The result where one run is asked for. */
export function wholeResult(run: Run): Json {
  return run.kind === "recovery-kit" ? null : run.result;
}
