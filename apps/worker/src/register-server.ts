import type { RunRequest } from "@tidemark/jobs";
import { AppError } from "@tidemark/kit";
import type { NewServer, Server } from "@tidemark/metadata";
import { defaultRetention } from "@tidemark/policy";
import { describeDsn } from "@tidemark/postgres";
import { contactOf } from "./connection-result.ts";
import type { TestedConnection } from "./handlers/connection-test.ts";
import { recordOutcome } from "./inspect/record-look.ts";
import type { RunContext } from "./run-context.ts";
import { newBackupRun } from "./schedule-run.ts";
import { startRun } from "./start-run.ts";

type AddIntent = Extract<RunRequest<"connection-test">["intent"], { kind: "add-server" }>;

/**
 * Registers a tested server with its policy and schedules, and starts its first backup. The same system identifier again
 * is refused unless it was confirmed as a copy; a copy gets an area of its own, since areas go by the server's id.
 */
export async function registerServer(
  { run, request, deps }: RunContext<"connection-test">,
  intent: AddIntent,
  tested: TestedConnection,
): Promise<string> {
  const { duplicateOf } = tested.result;
  if (duplicateOf !== null && intent.sameSystemAs !== "copy") {
    const other = await deps.metadata.servers.get(duplicateOf.serverId);
    throw new AppError("system-identifier-registered", {
      message: `this is the same cluster as ${other?.name ?? duplicateOf.serverId}, which is registered already`,
      hint: duplicateOf.asMember
        ? "it is a standby: add it as a member of that server"
        : "if it is a copy that goes its own way, confirm that; it gets a name and an area of its own",
    });
  }
  const server = await deps.metadata.servers.register(newServer(intent, request.sealedDsn, tested));
  if (tested.look !== null) await recordOutcome(deps, server.id, { kind: "looked", look: tested.look });
  if (intent.firstBackup) await startFirstBackup(deps, server, run.requestedBy);
  return server.id;
}

/** Adds a standby to the server it belongs to. */
export async function addMember(
  { request, deps }: RunContext<"connection-test">,
  intent: AddIntent,
  tested: TestedConnection,
): Promise<string> {
  const { duplicateOf } = tested.result;
  if (duplicateOf === null || !duplicateOf.asMember) {
    throw new AppError("bad-request", {
      message:
        duplicateOf === null
          ? "it is of no cluster that is registered"
          : "it is no standby, so it is no member of that server",
      hint: "add it as a server of its own",
    });
  }
  await deps.metadata.servers.addMember({
    serverId: duplicateOf.serverId,
    name: intent.name,
    sealedDsn: requireDsn(request.sealedDsn),
    connection: describeDsn(tested.settings),
  });
  return duplicateOf.serverId;
}

function newServer(intent: AddIntent, sealedDsn: string | null, tested: TestedConnection): NewServer {
  const retention = intent.retention ?? defaultRetention;
  return {
    name: intent.name,
    sealedDsn: requireDsn(sealedDsn),
    connection: describeDsn(tested.settings),
    repositoryId: intent.repositoryId,
    isDemo: intent.isDemo,
    backupMethod: tested.look?.onlyByFiles === true ? "read-files" : "stream",
    walMode: intent.walMode ?? "none",
    walSlot: intent.walSlot ?? null,
    synchronous: intent.synchronous ?? false,
    contact: contactOf(tested.report, tested.sizeBytes),
    policy:
      intent.policyId === null
        ? { create: { name: `${intent.name} retention`, ...retention, ...(intent.targets ?? {}) } }
        : { id: intent.policyId },
    schedules: intent.schedules,
  };
}

async function startFirstBackup(
  deps: RunContext<"connection-test">["deps"],
  server: Server,
  requestedBy: string,
): Promise<void> {
  await startRun(deps, newBackupRun(server, { requestedBy, drillAfter: true }));
}

function requireDsn(sealedDsn: string | null): string {
  if (sealedDsn !== null) return sealedDsn;
  throw new AppError("bad-request", { message: "a server is added with a connection string" });
}
