import type { ConnectionReportResult, RunRequest } from "@tidemark/jobs";
import { AppError, describeError, type ErrorDescription } from "@tidemark/kit";
import type { SeenFinding, Server } from "@tidemark/metadata";
import {
  type ConnectionReport,
  type ConnectionSettings,
  describeDsn,
  parseDsn,
  testConnection,
} from "@tidemark/postgres";
import { contactOf, databaseSize, reportOf } from "../connection-result.ts";
import { recordTlsFinding } from "../note-contact.ts";
import { serverConnection } from "../open-server.ts";
import { addMember, registerServer } from "../register-server.ts";
import type { RunAnswer, RunContext, RunHandler } from "../run-context.ts";

/**
 * Tests a connection step by step; when all is well and more was asked (`add-server`, `update-server`), does that. A
 * step that fails fails the run, with the whole report in its result.
 */
export const connectionTestHandler: RunHandler<"connection-test"> = async (context) => {
  const { request, control, deps } = context;
  control.emit({ kind: "phase", phase: "connecting", message: "testing the connection" });
  const settings = await settingsFor(context);
  const report = await testConnection(settings, { signal: control.signal, clock: deps.clock });
  const sizeBytes = report.ok ? await databaseSize(settings, control.signal) : null;
  const duplicate = await duplicateOf(context, report);
  const result = reportOf(report, sizeBytes, duplicate);
  const known = request.serverId ?? (request.intent.kind === "update-server" ? request.intent.serverId : null);
  if (known !== null && request.sealedDsn === null) await noteTest(context, known, settings, report, sizeBytes);
  const failure = report.steps.find((step) => step.state === "failed")?.error;
  if (failure !== undefined) return { kind: "failed", error: failure, result };
  return await follow(context, { settings, report, sizeBytes, result });
};

/** What a test found out, for what follows it. */
export interface TestedConnection {
  readonly settings: ConnectionSettings;
  readonly report: ConnectionReport;
  readonly sizeBytes: bigint | null;
  readonly result: ConnectionReportResult;
}

async function follow(context: RunContext<"connection-test">, tested: TestedConnection): Promise<RunAnswer> {
  const { intent } = context.request;
  try {
    switch (intent.kind) {
      case "test":
        return { kind: "done", result: tested.result };
      case "add-server": {
        const serverId =
          intent.sameSystemAs === "member"
            ? await addMember(context, intent, tested)
            : await registerServer(context, intent, tested);
        return { kind: "done", result: { ...tested.result, serverId }, serverId };
      }
      case "update-server":
        await updateServer(context, intent.serverId, tested);
        return { kind: "done", result: { ...tested.result, serverId: intent.serverId } };
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    // The connection is fine and was not used: the report stays worth showing.
    return { kind: "failed", error: describeError(error), result: tested.result };
  }
}

async function settingsFor({ request, deps }: RunContext<"connection-test">): Promise<ConnectionSettings> {
  if (request.sealedDsn !== null) return parseDsn((await deps.key.open(request.sealedDsn)).reveal());
  if (request.serverId !== null) return await serverConnection(deps, request.serverId);
  throw new AppError("bad-request", { message: "a connection test needs a server or a connection string" });
}

/** Another registered server with the same system identifier; a standby may become its member. */
async function duplicateOf(
  context: RunContext<"connection-test">,
  report: ConnectionReport,
): Promise<ConnectionReportResult["duplicateOf"]> {
  const identifier = report.facts.identity?.systemIdentifier;
  if (identifier === undefined) return null;
  const own = ownServerId(context.request);
  const others = (await context.deps.metadata.servers.findBySystemIdentifier(String(identifier))).filter(
    ({ id }) => id !== own,
  );
  const first = others[0];
  return first === undefined ? null : { serverId: first.id, asMember: report.facts.server?.inRecovery === true };
}

function ownServerId({ serverId, intent }: RunRequest<"connection-test">): string | null {
  return intent.kind === "update-server" ? intent.serverId : serverId;
}

async function updateServer(
  { request, deps }: RunContext<"connection-test">,
  serverId: string,
  tested: TestedConnection,
): Promise<void> {
  const server = await deps.metadata.servers.get(serverId);
  if (server === null || request.sealedDsn === null)
    throw new AppError("not-found", { message: `there is no server ${serverId}` });
  const contact = contactOf(tested.report, tested.sizeBytes);
  if (server.systemIdentifier !== null && contact.systemIdentifier !== server.systemIdentifier) {
    throw new AppError("system-identifier-changed", {
      message: `the new address leads to another cluster: its system identifier is ${contact.systemIdentifier}, that of ${server.name} is ${server.systemIdentifier}`,
      hint: "nothing was changed; add the other cluster as a server of its own",
    });
  }
  const dsn = { sealedDsn: request.sealedDsn, connection: describeDsn(tested.settings) };
  await deps.metadata.servers.update(serverId, { dsn, contact });
  await deps.metadata.findings.record({ kind: "server", serverId }, ["connection"], []);
  await recordTlsFinding(deps, server, tested.settings);
}

/** A test of what is stored tells how the server is now. */
async function noteTest(
  { deps }: RunContext<"connection-test">,
  serverId: string,
  settings: ConnectionSettings,
  report: ConnectionReport,
  sizeBytes: bigint | null,
): Promise<void> {
  const server = await deps.metadata.servers.get(serverId);
  if (server === null || server.removedAt !== null) return;
  const failed = report.steps.find((step) => step.state === "failed");
  const seen = failed?.error === undefined ? [] : [connectionFinding(server, failed.error, failed.remedy)];
  await deps.metadata.findings.record({ kind: "server", serverId }, ["connection"], seen);
  await recordTlsFinding(deps, server, settings);
  if (report.ok && report.facts.identity !== null)
    await deps.metadata.servers.recordContact(serverId, contactOf(report, sizeBytes));
}

function connectionFinding(
  server: Server,
  error: ErrorDescription,
  remedy: { readonly sql?: string; readonly hba?: string; readonly settings?: string } | undefined,
): SeenFinding {
  return {
    checkId: "connection",
    severity: "blocks-backup",
    title: `${server.name} cannot be backed up as it is reached now`,
    found: error.message,
    why: error.hint ?? "a backup needs this connection",
    remedy: remedy === undefined ? null : { sql: remedy.sql, hba: remedy.hba, settings: remedy.settings },
    actionLabel: "Test again",
    actionPath: `/servers/${server.id}?tab=settings`,
  };
}
