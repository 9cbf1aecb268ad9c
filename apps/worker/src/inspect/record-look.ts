import type { ServerCheckResult } from "@tidemark/jobs";
import type { Server } from "@tidemark/metadata";
import type { WorkerDeps } from "../worker-deps.ts";
import { type ConnectionTrouble, connectionCheck, connectionCheckId, findingOf } from "./check-result.ts";
import type { LookOutcome, ServerLook } from "./look-at-server.ts";

type RecordDeps = Pick<WorkerDeps, "metadata">;

/**
 * Brings snapshot, checks, findings and contact of a registered server up to date, but for what a look that began later
 * has told; gives all checks that were looked at. A server that was removed meanwhile is left alone.
 */
export async function recordOutcome(
  deps: RecordDeps,
  serverId: string,
  outcome: LookOutcome,
): Promise<readonly ServerCheckResult[]> {
  const checks = outcome.kind === "looked" ? outcome.look.checks : [connectionCheck(outcome.trouble)];
  const server = await deps.metadata.servers.get(serverId);
  if (server === null || server.removedAt !== null) return checks;
  if (outcome.kind === "looked") await recordLook(deps, server, outcome.look);
  else await recordTrouble(deps, server, outcome.observedAt, outcome.trouble);
  return checks;
}

/** Findings of checks that could not be asked stay as they are; those of what does not exist any more end. */
async function recordLook(
  deps: RecordDeps,
  server: Server,
  { observedAt, document, checks, inapplicable, contact }: ServerLook,
): Promise<void> {
  const asked = checks.filter((check) => check.state !== "not-asked");
  const findings = {
    checked: [...asked.map((check) => check.id), ...inapplicable],
    seen: asked.filter((check) => check.state === "found").map((check) => findingOf(server, check)),
  };
  await deps.metadata.servers.recordLook(server.id, { observedAt, document, checks, findings });
  // Another cluster behind the address is a finding, not a reason to forget which one is ours.
  if (contact !== null && (server.systemIdentifier ?? contact.systemIdentifier) === contact.systemIdentifier) {
    await deps.metadata.servers.recordContact(server.id, contact);
  }
}

/** What was found before it stopped answering stays: nobody knows better now. */
async function recordTrouble(
  deps: RecordDeps,
  server: Server,
  observedAt: Date,
  trouble: ConnectionTrouble,
): Promise<void> {
  const check = connectionCheck(trouble);
  const seen = [{ ...findingOf(server, check), title: `${server.name} cannot be reached` }];
  const findings = { checked: [connectionCheckId], seen };
  await deps.metadata.servers.recordLook(server.id, { observedAt, document: null, checks: [check], findings });
}
