import type { ServerCheckResult } from "@tidemark/jobs";
import type { Server } from "@tidemark/metadata";
import type { WorkerDeps } from "../worker-deps.ts";
import { type ConnectionTrouble, connectionCheck, connectionCheckId, findingOf } from "./check-result.ts";
import type { LookOutcome, ServerLook } from "./look-at-server.ts";

type RecordDeps = Pick<WorkerDeps, "metadata">;

/** Brings snapshot, checks, findings and contact of a registered server up to date; gives all checks that were looked at. */
export async function recordOutcome(
  deps: RecordDeps,
  serverId: string,
  outcome: LookOutcome,
): Promise<readonly ServerCheckResult[]> {
  const server = await deps.metadata.servers.get(serverId);
  const checks = outcome.kind === "looked" ? outcome.look.checks : [connectionCheck(outcome.trouble)];
  // Removed meanwhile: its findings were resolved for good.
  if (server === null || server.removedAt !== null) return checks;
  if (outcome.kind === "looked") await recordLook(deps, server, outcome.look);
  else await recordTrouble(deps, server, outcome.trouble);
  return checks;
}

/** Findings of checks that could not be asked stay as they are. */
async function recordLook(deps: RecordDeps, server: Server, look: ServerLook): Promise<void> {
  const asked = look.checks.filter((check) => check.state !== "not-asked");
  const found = asked.filter((check) => check.state === "found");
  await deps.metadata.findings.record(
    { kind: "server", serverId: server.id },
    asked.map((check) => check.id),
    found.map((check) => findingOf(server, check)),
  );
  const { observedAt, document, checks, contact } = look;
  if (document === null) await deps.metadata.servers.recordChecks(server.id, checks);
  else await deps.metadata.servers.recordSnapshot(server.id, { observedAt, document, checks });
  // Another cluster behind the address is a finding, not a reason to forget which one is ours.
  if (contact !== null && (server.systemIdentifier ?? contact.systemIdentifier) === contact.systemIdentifier) {
    await deps.metadata.servers.recordContact(server.id, contact);
  }
}

/** What was found before it stopped answering stays: nobody knows better now. */
async function recordTrouble(deps: RecordDeps, server: Server, trouble: ConnectionTrouble): Promise<void> {
  const check = connectionCheck(trouble);
  await deps.metadata.findings.record(
    { kind: "server", serverId: server.id },
    [connectionCheckId],
    [{ ...findingOf(server, check), title: `${server.name} cannot be reached` }],
  );
  await deps.metadata.servers.recordChecks(server.id, [check]);
}
