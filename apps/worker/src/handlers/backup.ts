import { type ActControl, createBackupEncoder, takeBackup } from "@tidemark/engine";
import type { BackupResult, RunRequest } from "@tidemark/jobs";
import { AppError, describeError } from "@tidemark/kit";
import type { Server } from "@tidemark/metadata";
import type { ServerArea, StoredBackup } from "@tidemark/repository";
import { mirrorOf, ownLabelPrefix, readingOf, sharedBytes } from "../backup-mirror.ts";
import { prepareSource } from "../backup-source.ts";
import { describeBackup } from "../describe-backup.ts";
import { drillAfter } from "../first-drill.ts";
import { requireOnline } from "../offline.ts";
import { withArea } from "../open-repository.ts";
import { requireServer } from "../open-server.ts";
import { noteRepositoryTrouble } from "../repository-state.ts";
import type { RunContext, RunHandler } from "../run-context.ts";
import type { WorkerDeps } from "../worker-deps.ts";
import { copyAfter } from "./copy.ts";

/** Takes a backup; its row follows: running → restorable, failed or interrupted. */
export const backupHandler: RunHandler<"backup"> = async (context) => {
  const { run, request, deps } = context;
  const server = await requireServer(deps, request.serverId);
  let stored: StoredBackup;
  try {
    await requireOnline(deps, server);
    stored = await withArea(deps, server, async (area) => {
      const backup = await take(context, server, area);
      await mirrorStored(deps, area, backup);
      return backup;
    });
  } catch (error) {
    await settleFailed(context, error);
    await noteRepositoryTrouble(deps, server.repositoryId, error);
    throw error;
  }
  await noteRepositoryTrouble(deps, server.repositoryId, null);
  await drillAfter(deps, run, request, server);
  await copyAfter(deps, server, request.backupId);
  return { kind: "done", result: backupResult(stored, request) };
};

async function take(context: RunContext<"backup">, server: Server, area: ServerArea): Promise<StoredBackup> {
  const { request, control, deps } = context;
  const { source, configuration, environment } = await prepareSource(deps, server, request, control);
  const encoder = createBackupEncoder({ threads: deps.settings.frameThreads });
  try {
    const endedBackupIds = await endedBackups(deps, server.id);
    return await takeBackup(
      { area, encoder, clock: deps.clock, source },
      { ...backupRequest(request, server), endedBackupIds, configuration, environment },
      withEstimate(control, server),
    );
  } finally {
    await encoder.close();
  }
}

/** Runs that ended without a backup: what they had stored is used again. One backup of a server is taken at a time. */
async function endedBackups({ metadata }: WorkerDeps, serverId: string): Promise<readonly string[]> {
  const rows = await metadata.backups.ofServer(serverId);
  return rows.filter(({ state }) => state === "interrupted" || state === "failed").map(({ id }) => id);
}

function backupRequest(request: RunRequest<"backup">, server: Server) {
  return {
    backupId: request.backupId,
    serverName: server.name,
    label: request.label ?? `${ownLabelPrefix}${request.backupId}`,
    checkpoint: request.checkpoint,
    maxRateKib: request.maxRateKib,
    systemIdentifierChangeConfirmed: false,
    reading: request.reading,
  };
}

/** The row says what the manifest says. Also used when a run died between its manifest and its row. */
export async function mirrorStored(
  deps: Pick<WorkerDeps, "metadata" | "logger">,
  area: ServerArea,
  stored: StoredBackup,
): Promise<void> {
  const described = stored.damaged === null ? await describeBackup(deps, area, stored.backupId) : {};
  await deps.metadata.backups.update(stored.backupId, { ...mirrorOf(stored), ...described }, [
    "running",
    "interrupted",
    "failed",
    "stored",
    "restorable",
  ]);
}

/** Nothing is listed of a backup that did not come to its manifest; the packs it wrote are collected later. */
async function settleFailed({ request, control, deps }: RunContext<"backup">, error: unknown): Promise<void> {
  const reason: unknown = control.signal.aborted ? control.signal.reason : error;
  // Whoever took the run from us settles the row, too: it knows by then whether a manifest is there.
  if (reason instanceof AppError && reason.code === "lease-lost") return;
  const description = describeError(reason);
  // Stopped on purpose is no failure: nobody needs to look into it.
  const stopped = description.code === "interrupted" || description.code === "cancelled";
  const state = stopped ? "interrupted" : "failed";
  await deps.metadata.backups.update(request.backupId, { state, error: description, finishedAt: deps.clock.now() }, [
    "running",
  ]);
}

/** The server's own estimate is unknown until the stream begins; its last known size is better than nothing. */
function withEstimate(control: ActControl, server: Server): ActControl {
  if (server.sizeBytes === null) return control;
  return {
    ...control,
    emit: (event) =>
      control.emit(
        event.kind === "progress" && event.totalBytes === null ? { ...event, totalBytes: server.sizeBytes } : event,
      ),
  };
}

/** What the run says came of it. */
export function backupResult(stored: StoredBackup, request: Pick<RunRequest<"backup">, "reading">): BackupResult {
  const reading = stored.facts === null ? null : readingOf(stored.facts);
  return {
    backupId: stored.backupId,
    readBytes: String(stored.counts?.readBytes ?? 0n),
    storedBytes: String(stored.counts?.storedBytes ?? 0n),
    referencedBytes: String(sharedBytes(stored.counts)),
    notes: [...(stored.facts?.notes ?? [])],
    reading: reading?.kind ?? null,
    fullBecause: reading?.kind === "full" ? (reading.reason ?? (request.reading === "full" ? askedFor : null)) : null,
  };
}

const askedFor = "a full one was asked for";
