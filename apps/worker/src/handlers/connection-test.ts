import type { ConnectionReportResult, RunRequest } from "@tidemark/jobs";
import { AppError, describeError } from "@tidemark/kit";
import type { Server } from "@tidemark/metadata";
import {
  type ConnectionReport,
  type ConnectionSettings,
  describeDsn,
  parseDsn,
  testConnection,
} from "@tidemark/postgres";
import { contactOf, databaseSize, failureOf, reportOf, systemIdentifierOf } from "../connection-result.ts";
import { connectionCheckId } from "../inspect/check-result.ts";
import { type KnownServer, lookAtServer, type ServerLook } from "../inspect/look-at-server.ts";
import { recordOutcome } from "../inspect/record-look.ts";
import { serverConnection } from "../open-server.ts";
import { addMember, registerServer } from "../register-server.ts";
import type { RunAnswer, RunContext, RunHandler } from "../run-context.ts";

/**
 * Tests a connection step by step, and asks everything a readiness check asks as soon as the login works; when all
 * steps are well and more was asked (`add-server`, `update-server`), does that. A step that fails fails the run, with
 * the whole report in its result.
 */
export const connectionTestHandler: RunHandler<"connection-test"> = async (context) => {
  const { request, control, deps } = context;
  control.emit({ kind: "phase", phase: "connecting", message: "testing the connection" });
  const settings = await settingsFor(context);
  const startedAt = await deps.metadata.instance.now();
  const report = await testConnection(settings, { signal: control.signal, clock: deps.clock });
  const server = await knownServer(context);
  const look = report.facts.server === null ? null : await lookOrWarn(context, settings, server);
  const failure = failureOf(report, look);
  const sizeBytes = failure === null ? await databaseSize(settings, control.signal) : null;
  const duplicate = await duplicateOf(context, report);
  const result = reportOf(report, { sizeBytes, duplicateOf: duplicate, look });
  const tested = { startedAt, settings, report, sizeBytes, look, result };
  if (server !== null && request.sealedDsn === null) await noteTest(context, server, tested);
  if (failure?.error !== undefined) return { kind: "failed", error: failure.error, result };
  return await follow(context, tested);
};

/** What a test found out, for what follows it. */
export interface TestedConnection {
  /** When it began, by the metadata database's clock. */
  readonly startedAt: Date;
  readonly settings: ConnectionSettings;
  readonly report: ConnectionReport;
  readonly sizeBytes: bigint | null;
  /** Null when the login failed, or a question afterwards. */
  readonly look: ServerLook | null;
  readonly result: ConnectionReportResult;
}

/** The registered server this test is about; null for one that is to be added. */
async function knownServer({ request, deps }: RunContext<"connection-test">): Promise<Server | null> {
  const id = ownServerId(request);
  const server = id === null ? null : await deps.metadata.servers.get(id);
  return server?.removedAt === null ? server : null;
}

/** A question that is refused takes nothing from the test: the steps tell whether the connection is good. */
async function lookOrWarn(
  { request, control, deps }: RunContext<"connection-test">,
  settings: ConnectionSettings,
  server: Server | null,
): Promise<ServerLook | null> {
  const name = request.intent.kind === "add-server" ? request.intent.name : settings.hosts[0].host;
  const known: KnownServer = server ?? {
    id: null,
    name,
    systemIdentifier: null,
    backupMethod: null,
    walMode: null,
    walSlot: null,
  };
  control.emit({ kind: "phase", phase: "inspecting", message: "asking the server whether it is ready" });
  try {
    return await lookAtServer(deps, settings, known, { checkIds: null, signal: control.signal });
  } catch (error) {
    if (control.signal.aborted || !(error instanceof AppError)) throw error;
    deps.logger.warn({ err: error }, "a server that was logged in to could not be inspected");
    control.emit({
      kind: "log",
      level: "warning",
      message: `it could not be asked whether it is ready: ${error.message}`,
    });
    return null;
  }
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
  const identifier = systemIdentifierOf(report);
  if (identifier === null) return null;
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
  await deps.metadata.findings.record({ kind: "server", serverId }, [connectionCheckId], []);
  if (tested.look !== null) await recordOutcome(deps, serverId, { kind: "looked", look: tested.look });
}

/** A test of what is stored tells how the server is now. */
async function noteTest(
  { deps }: RunContext<"connection-test">,
  server: Server,
  { startedAt, report, sizeBytes, look }: TestedConnection,
): Promise<void> {
  const failed = failureOf(report, look);
  if (look !== null) await recordOutcome(deps, server.id, { kind: "looked", look });
  // A step that fails after the login is said by a check of its own, which knows more of it; by this one if not.
  const isSaid = look?.checks.some((check) => check.state === "found" && check.severity === "blocks-backup") === true;
  if (failed?.error !== undefined && !isSaid) {
    const trouble = { error: failed.error, remedy: failed.remedy ?? null };
    await recordOutcome(deps, server.id, { kind: "trouble", observedAt: look?.observedAt ?? startedAt, trouble });
  }
  if (failed === null && report.facts.server !== null)
    await deps.metadata.servers.recordContact(server.id, contactOf(report, sizeBytes));
}
