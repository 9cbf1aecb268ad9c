import { BackupMethod, type RunRequest, storedDrillSettings, WalMode, WalSlotName } from "@tidemark/jobs";
import { AppError } from "@tidemark/kit";
import { type RepositoryRow, type Server, type ServerChange, walSlotOf } from "@tidemark/metadata";
import { checkPolicyTargets, checkRetentionPolicy, defaultRetention, validateCron } from "@tidemark/policy";
import { z } from "zod";
import type { Services } from "../services.ts";
import { DrillSettingsInput, drillSettingsOf } from "./drills.ts";
import {
  Cron,
  changedTargets,
  completeRetention,
  Dsn,
  EntityId,
  EntityName,
  PolicyTargetsInput,
  RetentionInput,
  Zone,
} from "./inputs.ts";
import { changeOwnPolicy } from "./own-policy.ts";
import { badField, notFound, parseInput } from "./parse-input.ts";
import { type ActOutcome, type ActScope, type Caller, perform } from "./perform.ts";
import { requireRepository, requireServer } from "./requirements.ts";

export const TestConnectionInput = z.object({
  serverId: EntityId.nullish().describe("Tests what is stored for this server."),
  dsn: Dsn.nullish().describe("Tests this text; it is sealed at once and not kept."),
});

/** Starts a connection test of a stored server, or of a text that is sealed at once. */
export function testConnection(services: Services, caller: Caller, input: unknown) {
  const act = { name: "testConnection", input: input as Record<string, unknown>, target: { kind: "run", id: null } };
  return perform<{ runId: string }>(services, caller, act, async (scope) => {
    const { serverId, dsn } = parseInput(TestConnectionInput, input);
    if ((serverId == null) === (dsn == null)) throw badField("dsn", "give either a server or a connection string");
    if (serverId != null) {
      await requireServer(services, serverId);
      scope.target({ kind: "server", id: serverId });
    }
    const sealedDsn = dsn == null ? null : await services.sealer.seal(dsn);
    const request: RunRequest<"connection-test"> = { serverId: serverId ?? null, sealedDsn, intent: { kind: "test" } };
    const run = await scope.startRun({ kind: "connection-test", request, serverId: serverId ?? null });
    return { runId: run.id };
  });
}

export const AddServerInput = z.object({
  name: EntityName,
  dsn: Dsn,
  repositoryId: EntityId.nullish().describe("The first ready repository when left out."),
  policyId: EntityId.nullish(),
  retention: RetentionInput.nullish().describe("Makes a policy of the server's own."),
  targets: PolicyTargetsInput.nullish().describe("What the policy of its own promises; not with a policyId."),
  backupCron: Cron.nullish(),
  drillCron: Cron.nullish(),
  verifyCron: Cron.nullish(),
  retentionCron: Cron.nullish(),
  zone: Zone.nullish().describe("IANA time zone of the schedules; UTC when left out."),
  sameSystemAs: z.enum(["member", "copy"]).nullish(),
  walMode: WalMode.nullish().describe("How its WAL comes to us; stream when left out."),
  walSlot: WalSlotName.nullish().describe("The physical slot to stream from; one named for the server when left out."),
  synchronous: z
    .boolean()
    .nullish()
    .describe("Commits may wait for us: what arrives is made durable at once, as tidemark_sync."),
  firstBackup: z.boolean().nullish().describe("Take the first backup at once; true when left out."),
});

/** Tests the connection; the run registers the server when the test succeeds, and starts the first backup. */
export function addServer(services: Services, caller: Caller, input: unknown) {
  const act = { name: "addServer", input: input as Record<string, unknown>, target: { kind: "run", id: null } };
  return perform<{ runId: string }>(services, caller, act, async (scope) => {
    const parsed = parseInput(AddServerInput, input);
    // A member joins the server it belongs to; its name is only unique among that server's members.
    if (parsed.sameSystemAs !== "member" && (await services.metadata.servers.findByName(parsed.name)) !== null) {
      throw new AppError("name-taken", {
        message: `a server is called ${parsed.name} already`,
        context: { field: "name" },
      });
    }
    const repository = await chooseRepository(services, parsed.repositoryId ?? null);
    if (parsed.policyId != null && (await services.metadata.policies.get(parsed.policyId)) === null) {
      throw notFound("policy", parsed.policyId, "policyId");
    }
    const retention = parsed.retention == null ? null : completeRetention(parsed.retention);
    if (retention !== null) checkRetentionPolicy(retention);
    if (parsed.targets != null && parsed.policyId != null) throw badField("targets", eitherPolicy);
    const targets = changedTargets(null, parsed.targets);
    checkPolicyTargets(targets);
    const request: RunRequest<"connection-test"> = {
      serverId: null,
      sealedDsn: await services.sealer.seal(parsed.dsn),
      intent: {
        kind: "add-server",
        name: parsed.name,
        repositoryId: repository.id,
        policyId: parsed.policyId ?? null,
        retention: retention ?? (parsed.policyId == null ? defaultRetention : null),
        targets,
        schedules: readSchedules(parsed),
        sameSystemAs: parsed.sameSystemAs ?? null,
        firstBackup: parsed.firstBackup ?? true,
        isDemo: false,
        walMode: parsed.walMode ?? "stream",
        walSlot: parsed.walSlot ?? null,
        synchronous: parsed.synchronous ?? false,
      },
    };
    const run = await scope.startRun({ kind: "connection-test", request, repositoryId: repository.id });
    return { runId: run.id };
  });
}

async function chooseRepository(services: Services, id: string | null): Promise<RepositoryRow> {
  if (id !== null) {
    const repository = await requireRepository(services, id, "repositoryId");
    if (repository.state === "ready") return repository;
    throw badField(
      "repositoryId",
      `repository ${repository.name} is ${repository.state}`,
      repository.stateDetail ?? undefined,
    );
  }
  const ready = (await services.metadata.repositories.all()).find((repository) => repository.state === "ready");
  if (ready !== undefined) return ready;
  throw new AppError("repository-missing", {
    message: "there is no repository that is ready",
    hint: "add a repository first; backups need a place",
    context: { field: "repositoryId" },
  });
}

function readSchedules(input: z.output<typeof AddServerInput>) {
  const zone = input.zone ?? "UTC";
  const kinds = ["backup", "drill", "verify", "retention"] as const;
  return kinds.flatMap((kind) => {
    const field = `${kind}Cron` as const;
    const cron = input[field];
    if (cron == null) return [];
    checkCron(cron, zone, field);
    return [{ kind, cron, zone }];
  });
}

/** `cron-invalid` about one field. */
export function checkCron(cron: string, zone: string, field: string): void {
  try {
    validateCron(cron, zone);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError(error.code, { message: error.message, hint: error.hint, context: { field }, cause: error });
  }
}

export const UpdateServerInput = z.object({
  id: EntityId,
  expectedVersion: z
    .number()
    .int()
    .nullish()
    .describe("Refuses with version-conflict when somebody changed it meanwhile."),
  name: EntityName.nullish(),
  dsn: Dsn.nullish().describe("Takes effect when the connection test that starts with it succeeds."),
  policyId: EntityId.nullish(),
  retention: RetentionInput.nullish().describe("Changes the server's own policy, or gives it one."),
  targets: PolicyTargetsInput.nullish().describe("Changes the targets of its own policy, or gives it one."),
  backupMethod: BackupMethod.nullish().describe(
    "How its backups are taken when one asks for no other method. local-files is only for servers on the worker's own machine.",
  ),
  walMode: WalMode.nullish().describe(
    "How its WAL comes to us. A slot that is not streamed from any more keeps WAL until it is dropped.",
  ),
  walSlot: WalSlotName.nullish().describe("The physical slot to stream from."),
  synchronous: z.boolean().nullish().describe("Commits may wait for us: what arrives is made durable at once."),
  walSystemIdentifier: z
    .string()
    .regex(/^[0-9]{1,20}$/, "must be a system identifier in decimal")
    .nullish()
    .describe("Receive WAL also from this cluster: after pg_upgrade or a new initdb the same server is another one."),
  copyMaxRateKib: z
    .number()
    .int()
    .min(32)
    .max(1_048_576)
    .nullish()
    .describe("KiB a second that copies to its second repository take at most; null: the workers' setting."),
  drillSettings: DrillSettingsInput.nullish().describe("How its drills are done; all of it is replaced."),
});

/** Name, policy, backup method, drills and how WAL comes change at once; a connection string is tested first and stored by the run that tests it. */
export function updateServer(
  services: Services,
  caller: Caller,
  input: unknown,
): Promise<ActOutcome<{ serverId: string; runId: string | null }>> {
  const act = { name: "updateServer", input: input as Record<string, unknown>, target: serverTarget(input) };
  return perform(services, caller, act, async (scope) => {
    const parsed = parseInput(UpdateServerInput, input);
    const server = await requireServer(services, parsed.id, "id");
    // Its own policy is a row of its own, and is written before the server's: a late refusal would leave it changed.
    if (parsed.expectedVersion != null && parsed.expectedVersion !== server.version) throw changedMeanwhile(server.id);
    if (parsed.policyId != null && parsed.retention != null) throw badField("retention", eitherPolicy);
    if (parsed.policyId != null && parsed.targets != null) throw badField("targets", eitherPolicy);
    // Sealed first: when no worker has made a key yet nothing may be changed by half.
    const sealedDsn = parsed.dsn == null ? null : await services.sealer.seal(parsed.dsn);
    const change: ServerChange = {
      ...(parsed.name == null ? {} : { name: parsed.name }),
      ...(parsed.policyId == null ? {} : { policyId: await existingPolicy(services, parsed.policyId) }),
      ...(parsed.retention == null && parsed.targets == null
        ? {}
        : { policyId: await changeOwnPolicy(services, server, parsed) }),
      ...(parsed.backupMethod == null ? {} : { backupMethod: parsed.backupMethod }),
      ...(parsed.walMode == null ? {} : { walMode: parsed.walMode }),
      ...(parsed.walSlot == null ? {} : { walSlot: parsed.walSlot }),
      ...(parsed.synchronous == null ? {} : { synchronous: parsed.synchronous }),
      ...(parsed.copyMaxRateKib === undefined ? {} : { copyMaxRateKib: parsed.copyMaxRateKib }),
      ...(parsed.drillSettings == null
        ? {}
        : { drillSettings: drillSettingsOf(parsed.drillSettings, storedDrillSettings(null), "drillSettings") }),
      ...(parsed.walSystemIdentifier == null ? {} : { walSystemIdentifier: parsed.walSystemIdentifier }),
    };
    await services.metadata.servers.update(server.id, change, parsed.expectedVersion ?? undefined);
    if (sealedDsn === null) return { serverId: server.id, runId: null };
    return { serverId: server.id, runId: await testNewDsn(scope, server, sealedDsn) };
  });
}

function changedMeanwhile(id: string): AppError {
  return new AppError("version-conflict", {
    message: "the server was changed by somebody else meanwhile",
    hint: "load it again and repeat the change; nothing was written",
    context: { id },
  });
}

async function existingPolicy(services: Services, id: string): Promise<string> {
  if ((await services.metadata.policies.get(id)) === null) throw notFound("policy", id, "policyId");
  return id;
}

const eitherPolicy = "give either a policy or what a policy of its own says";

async function testNewDsn(scope: ActScope, server: Server, sealedDsn: string): Promise<string> {
  const request: RunRequest<"connection-test"> = {
    serverId: server.id,
    sealedDsn,
    intent: { kind: "update-server", serverId: server.id },
  };
  return (await scope.startRun({ kind: "connection-test", request, serverId: server.id })).id;
}

export const RemoveServerInput = z.object({ id: EntityId, confirmName: z.string() });

/** Forgets a server: its backups stay in the repository. Refused while runs of it are not final. */
export function removeServer(services: Services, caller: Caller, input: unknown) {
  const act = { name: "removeServer", input: input as Record<string, unknown>, target: serverTarget(input) };
  return perform<{ removedId: string; sentence: string }>(services, caller, act, async () => {
    const { id, confirmName } = parseInput(RemoveServerInput, input);
    const server = await requireServer(services, id, "id");
    if (confirmName !== server.name) throw badField("confirmName", `type ${server.name} to confirm`);
    const [busy] = await services.metadata.runs.unfinished([id]);
    if (busy !== undefined) {
      throw new AppError("server-busy", {
        message: `run ${busy.id} (${busy.kind}) of ${server.name} is not finished`,
        hint: "cancel it or wait for its end; nothing was removed",
        context: { runId: busy.id },
      });
    }
    const [schedules, backups, repository] = await Promise.all([
      services.metadata.schedules.ofServers([id]),
      services.metadata.backups.ofServer(id),
      services.metadata.repositories.get(server.repositoryId),
    ]);
    await services.metadata.servers.remove(id);
    for (const schedule of schedules) forgetSchedule(services, schedule.id);
    const stored = backups.filter((backup) => backup.state === "restorable" || backup.state === "stored").length;
    const place = repository === null ? "the repository" : `repository ${repository.name}`;
    const what = stored === 1 ? "its backup stays" : `its ${stored} backups stay`;
    return { removedId: id, sentence: `${server.name} was removed; ${what} in ${place}${slotLeft(server)}` };
  });
}

/** Nobody of ours reaches the server any more, and a slot nobody streams from fills its disk. */
function slotLeft(server: Server): string {
  if (server.walMode !== "stream") return "";
  const slot = walSlotOf(server);
  return `. Its slot keeps WAL on the server until somebody drops it: SELECT pg_drop_replication_slot('${slot}');`;
}

/** The rows are gone already, so a tick that still comes finds nothing; the reconciler removes what is left. */
export function forgetSchedule(services: Services, scheduleId: string): void {
  services.bells.removeSchedule(scheduleId).catch((error: unknown) => {
    services.logger.warn({ err: error, scheduleId }, "the queue still has a schedule; the reconciler will remove it");
  });
}

function serverTarget(input: unknown) {
  const { id } = input as { id?: unknown };
  return { kind: "server", id: typeof id === "string" ? id : null };
}
