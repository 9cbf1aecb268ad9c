import type { InspectResult, ServerCheckResult } from "@tidemark/jobs";
import { connectionCheckId } from "../inspect/check-result.ts";
import { lookOrExplain } from "../inspect/look-at-server.ts";
import { recordOutcome } from "../inspect/record-look.ts";
import { requireOnline } from "../offline.ts";
import { requireServer, serverConnection } from "../open-server.ts";
import type { RunHandler } from "../run-context.ts";

/**
 * Asks a server how it is and whether it is ready: a whole snapshot and all checks, or the named checks alone. What it
 * finds is no failure of the run; a server that cannot be asked is, with that as the one check of its result.
 */
export const inspectHandler: RunHandler<"inspect"> = async ({ request, control, deps }) => {
  const server = await requireServer(deps, request.serverId);
  await requireOnline(deps, server);
  const { checkIds } = request;
  const what = checkIds === null ? "asking the server how it is" : `asking for ${checkIds.join(", ")}`;
  control.emit({ kind: "phase", phase: "inspecting", message: what });
  const settings = await serverConnection(deps, server.id);
  // The connection's check is the connecting itself.
  const asked = checkIds?.filter((id) => id !== connectionCheckId) ?? null;
  const outcome = await lookOrExplain(deps, settings, server, { checkIds: asked, signal: control.signal });
  const checks = await recordOutcome(deps, server.id, outcome);
  if (outcome.kind === "trouble") {
    return { kind: "failed", error: outcome.trouble.error, result: resultOf(outcome.observedAt, checks) };
  }
  const shown = checkIds === null ? checks : checks.filter((check) => checkIds.includes(check.id));
  return { kind: "done", result: resultOf(outcome.look.observedAt, shown), message: sentenceOf(shown) };
};

function resultOf(observedAt: Date, checks: readonly ServerCheckResult[]): InspectResult {
  const finds = (severity: ServerCheckResult["severity"]) =>
    checks.some((check) => check.state === "found" && check.severity === severity);
  return {
    observedAt: observedAt.toISOString(),
    checks: [...checks],
    blocksBackup: finds("blocks-backup"),
    blocksWal: finds("blocks-wal"),
  };
}

function sentenceOf(checks: readonly ServerCheckResult[]): string {
  const found = checks.filter((check) => check.state === "found").length;
  const open = checks.filter((check) => check.state === "not-asked").length;
  const notAsked = open === 0 ? "" : `, ${open} could not be asked`;
  return `${checks.length} ${checks.length === 1 ? "check" : "checks"}: ${found} found something${notAsked}`;
}
