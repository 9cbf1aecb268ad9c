import { createHash } from "node:crypto";
import { isAbsolute } from "node:path";
import { AppError, type Clock, formatBytes } from "@tidemark/kit";
import type { BackupFacts, ExtentRows, ManifestReader, ServerArea } from "@tidemark/repository";
import { throwIfCancelled } from "../act.ts";
import { type CatalogEntry, listCatalog } from "../catalog.ts";
import { estimateRestore, type RestoreEstimate } from "../point-in-time/estimate-restore.ts";
import { planRecovery, type RecoveryObstacle } from "../point-in-time/plan-recovery.ts";
import type { RecoveryPlan, RecoveryRequest } from "../point-in-time/recovery-request.ts";
import { configurationNames } from "../restored-configuration/compose-configuration.ts";
import { type DeltaSurvey, surveyTarget } from "./delta-survey.ts";
import { type DeltaObstacle, findDeltaObstacle } from "./delta-target.ts";
import { type BackupSizes, checkTarget, type RestoreCheck } from "./restore-checks.ts";
import { chooseDatabases, type DatabaseChoice, describeChoice, isEmptiedPath } from "./restore-databases.ts";
import { type Owner, resolveOwner } from "./restore-owner.ts";
import { RestorePlaces, type TablespacePlace } from "./restore-places.ts";

export interface RestoreDeps {
  readonly area: ServerArea;
  readonly clock: Clock;
  /** Threads that open frames and write files; by default as many as there are cores, up to four. */
  readonly threads?: number;
}

export interface RestoreRequest {
  /** Null: the newest usable one. */
  readonly backupId: string | null;
  readonly targetDirectory: string;
  /** Old place (a path, or the tablespace's OID) to new folder. */
  readonly tablespaces: readonly { readonly from: string; readonly to: string }[];
  /** See `resolveOwner`; null: the owner of the target directory when we are root. */
  readonly owner: string | null;
  /** Restore standby.signal and recovery.signal of the source, too. */
  readonly keepSignalFiles: boolean;
  /** Folders below which a restore must go; null: anywhere. */
  readonly allowedRoots: readonly string[] | null;
  /**
   * Into a directory that holds a stopped server of the same cluster (or an unfinished restore): only what differs is
   * written, and what the backup does not have is removed.
   */
  readonly delta: boolean;
  /** Databases to restore whole, by name; the others' files are left empty. Null: all of them. */
  readonly databases: readonly string[] | null;
  /** To a point in time, with WAL from the archive. Null or left out: to the end of the backup, without any. */
  readonly recovery?: RecoveryRequest | null;
  /** The restored server takes its source's place: it archives, and receives subscriptions, as the source did. */
  readonly adopt?: boolean;
}

/** What a delta restore does to what is there. */
export interface DeltaPlan {
  /** Files of the backup that are there: compared run by run, rewritten where they differ, else kept. */
  readonly comparedFiles: number;
  readonly comparedBytes: bigint;
  /** Files of the backup that are not there and are written whole. */
  readonly newFiles: number;
  readonly removedCount: number;
  readonly removedBytes: bigint;
  /** Files and folders the backup does not have; at most 1,000 are listed, `removedCount` is the truth. */
  readonly removed: readonly string[];
  /** Folders that are links and stay so: path and where it leads. */
  readonly followedLinks: readonly { readonly path: string; readonly to: string }[];
}

/** A restore as a value: what would be written where, and what speaks against it. */
export interface RestorePlan {
  readonly request: RestoreRequest;
  readonly serverId: string;
  readonly serverName: string;
  readonly backupId: string;
  readonly facts: BackupFacts;
  readonly targetDirectory: string;
  readonly tablespaces: readonly TablespacePlace[];
  readonly owner: Owner | null;
  readonly fileCount: number;
  /** Sum of the files' sizes. */
  readonly bytesToWrite: bigint;
  /** Plain bytes that have to be fetched; zeros are not. */
  readonly bytesToFetch: bigint;
  readonly packCount: number;
  /** Null unless it is a delta restore. */
  readonly delta: DeltaPlan | null;
  /** Null: all of them whole. */
  readonly databases: DatabaseChoice | null;
  /** Configuration files that are not in the backup and are written so that the restored server starts. */
  readonly missingConfiguration: readonly string[];
  /** How it recovers to the target; null when none was asked for, or when it cannot be reached (see `checks`). */
  readonly recovery: RecoveryPlan | null;
  readonly estimate: RestoreEstimate;
  readonly checks: readonly RestoreCheck[];
  /** No check failed. */
  readonly ok: boolean;
  /** The whole of it in one sentence, for a person to confirm. */
  readonly sentence: string;
  /** Changes when the backup or where it goes does; `executeRestore` plans again and compares. */
  readonly fingerprint: string;
}

/**
 * Plans a restore; writes nothing. What speaks against it is in `checks`, not thrown. Throws `not-found`,
 * `manifest-missing`, `manifest-damaged`, `bad-request`, and what kept it from asking the repository.
 */
export async function planRestore(
  deps: RestoreDeps,
  request: RestoreRequest,
  signal: AbortSignal,
): Promise<RestorePlan> {
  const { entry, recovery, obstacle: unreachable } = await choose(deps.area, request, signal);
  const manifest = await deps.area.openManifest(entry.backup.backupId);
  const { facts } = manifest.backup;
  const databases =
    request.databases === null ? null : await chooseDatabases(manifest, deps.area.frames(), request.databases, signal);
  const sizes = await measure(manifest, databases, signal);
  const owner = await resolveOwner(request.owner, request.targetDirectory);
  const { tablespaces, unmapped } = mapTablespaces(facts, request);
  const obstacle = request.delta ? await deltaObstacle(request, tablespaces, facts) : null;
  const survey = request.delta && obstacle === null ? await surveyFor(manifest, request, tablespaces, signal) : null;
  const estimate = estimateRestore({ dataBytes: sizes.totalBytes, walBytes: walToReplay(facts, recovery) });
  const checks = await checkTarget({
    request,
    entry,
    facts,
    sizes,
    owner,
    tablespaces,
    unmapped,
    databases,
    delta: request.delta ? { obstacle, survey } : null,
    recovery: request.recovery == null ? null : { plan: recovery, obstacle: unreachable, estimate },
  });
  const base = {
    serverId: deps.area.serverId,
    serverName: facts.serverName,
    backupId: entry.backup.backupId,
    facts,
    targetDirectory: request.targetDirectory,
    tablespaces,
    owner,
    fileCount: sizes.fileCount,
    bytesToWrite: sizes.totalBytes,
    bytesToFetch: sizes.fetchBytes,
    packCount: sizes.packCount,
    delta: survey === null ? null : deltaPlanOf(survey),
    databases,
    missingConfiguration: sizes.missingConfiguration,
    recovery,
    estimate,
  };
  const ok = checks.every((check) => check.state !== "failed");
  return { request, ...base, checks, ok, sentence: describePlan(base), fingerprint: fingerprintOf(base) };
}

interface Choice {
  readonly entry: CatalogEntry;
  readonly recovery: RecoveryPlan | null;
  readonly obstacle: RecoveryObstacle | null;
}

/** The backup that was named, or the newest; where there is a target, the one a recovery to it starts from. */
async function choose(area: ServerArea, request: RestoreRequest, signal: AbortSignal): Promise<Choice> {
  const catalog = await listCatalog(area);
  const { backupId } = request;
  if (request.recovery == null) return { entry: chooseBackup(catalog, backupId), recovery: null, obstacle: null };
  const candidates = catalog.filter((one) => one.backup.backupId === backupId || one.damaged === null);
  const backups = candidates.map(({ backup }) => backup);
  const planned = await planRecovery({ area, backups, backupId, request: request.recovery, signal });
  if (planned.obstacle !== null) {
    return { entry: chooseBackup(catalog, backupId), recovery: null, obstacle: planned.obstacle };
  }
  return { entry: chooseBackup(catalog, planned.backupId), recovery: planned.recovery, obstacle: null };
}

function chooseBackup(catalog: readonly CatalogEntry[], backupId: string | null): CatalogEntry {
  if (backupId !== null) {
    const entry = catalog.find((one) => one.backup.backupId === backupId);
    if (entry !== undefined) return entry;
    throw new AppError("not-found", {
      message: `there is no backup ${backupId} in the repository`,
      context: { backupId },
    });
  }
  const usable = catalog.filter((one) => one.damaged === null && one.backup.facts !== null);
  const newest = usable.reduce<CatalogEntry | null>(
    (best, one) => (best === null || endMs(one) >= endMs(best) ? one : best),
    null,
  );
  if (newest !== null) return newest;
  throw new AppError("not-found", {
    message: "this server has no backup that can be restored",
    hint: "take one first",
  });
}

/** From where the backup began to the target. */
function walToReplay({ startLsn, stopLsn }: BackupFacts, recovery: RecoveryPlan | null): bigint {
  const through = recovery?.through.lsn ?? stopLsn;
  return (through > stopLsn ? through : stopLsn) - startLsn;
}

function endMs(entry: CatalogEntry): number {
  return entry.backup.facts?.stoppedAt.getTime() ?? 0;
}

/** A relative path is refused by a check of its own; there is nothing to look at below it. */
async function deltaObstacle(
  { targetDirectory }: RestoreRequest,
  tablespaces: readonly TablespacePlace[],
  facts: BackupFacts,
): Promise<DeltaObstacle | null> {
  if ([targetDirectory, ...tablespaces.map(({ to }) => to)].some((path) => !isAbsolute(path))) {
    return { code: "target-not-allowed", sentence: `"${targetDirectory}" is not a plain absolute path of a folder` };
  }
  return await findDeltaObstacle(targetDirectory, tablespaces, facts);
}

function surveyFor(
  manifest: ManifestReader,
  request: RestoreRequest,
  tablespaces: readonly TablespacePlace[],
  signal: AbortSignal,
): Promise<DeltaSurvey> {
  const { targetDirectory, keepSignalFiles } = request;
  const places = new RestorePlaces(targetDirectory, tablespaces, keepSignalFiles);
  return surveyTarget(manifest, targetDirectory, tablespaces, places, signal);
}

function deltaPlanOf(survey: DeltaSurvey): DeltaPlan {
  const { keptFiles, keptBytes, newFiles, removed, removedBytes, followedLinks } = survey;
  return {
    comparedFiles: keptFiles,
    comparedBytes: keptBytes,
    newFiles,
    removedCount: removed.length,
    removedBytes,
    removed: removed.slice(0, removedListed).map(({ place }) => Buffer.from(place, "latin1").toString("utf8")),
    followedLinks,
  };
}

const removedListed = 1000;

async function measure(
  manifest: ManifestReader,
  databases: DatabaseChoice | null,
  signal: AbortSignal,
): Promise<BackupSizes> {
  const emptied = new Set(databases?.emptied.map(({ oid }) => oid));
  const tablespaceBytes = new Map<number, bigint>();
  const missing = new Set<string>(configurationNames);
  let fileCount = 0;
  let totalBytes = 0n;
  let fetchBytes = 0n;
  for await (const entry of manifest.rows()) {
    throwIfCancelled(signal);
    if (entry.kind !== "file") continue;
    const path = Buffer.from(entry.path).toString("latin1");
    fileCount++;
    missing.delete(path);
    // Files left empty take no room: they are sparse.
    if (isEmptiedPath(path, emptied)) continue;
    totalBytes += entry.sizeBytes;
    fetchBytes += BigInt(storedBytesOf(entry.extents));
    const oid = /^pg_tblspc\/(\d+)\//.exec(path)?.[1];
    if (oid !== undefined) tablespaceBytes.set(Number(oid), (tablespaceBytes.get(Number(oid)) ?? 0n) + entry.sizeBytes);
  }
  const missingConfiguration = configurationNames.filter((name) => missing.has(name));
  const packCount = (await manifest.packIds()).size;
  return { fileCount, totalBytes, fetchBytes, tablespaceBytes, packCount, missingConfiguration };
}

/** Zeros are not fetched. */
function storedBytesOf(extents: ExtentRows): number {
  let bytes = 0;
  for (let index = 0; index < extents.count; index++) {
    if (!extents.isZeros(index)) bytes += extents.endOf(index) - extents.beginOf(index);
  }
  return bytes;
}

/** A tablespace with a relative path lives inside the data directory (allow_in_place_tablespaces) and stays there. */
function mapTablespaces(facts: BackupFacts, request: RestoreRequest) {
  const tablespaces: TablespacePlace[] = [];
  const unmapped: string[] = [];
  for (const { oid, path } of facts.tablespaces) {
    if (!path.startsWith("/") && !/^[A-Za-z]:/.test(path)) continue;
    const wanted = request.tablespaces.find(({ from }) => from === path || from === String(oid));
    if (wanted === undefined) unmapped.push(path);
    else tablespaces.push({ oid, from: path, to: wanted.to });
  }
  return { tablespaces, unmapped };
}

type PlanBase = Omit<RestorePlan, "request" | "checks" | "ok" | "sentence" | "fingerprint">;

function describePlan(plan: PlanBase): string {
  const count = plan.tablespaces.length;
  const tablespaces =
    count === 0
      ? ""
      : `, ${count === 1 ? "its tablespace" : `its ${count} tablespaces`} to ${plan.tablespaces.map(({ to }) => to).join(", ")}`;
  const owner = plan.owner === null ? "" : `, owned by ${plan.owner.uid}:${plan.owner.gid}`;
  const choice = describeChoice(plan.databases);
  const databases = choice === null ? "" : `; ${choice}`;
  const recovery = plan.recovery === null ? "" : `; ${plan.recovery.sentence}`;
  if (plan.delta !== null) {
    const { comparedFiles, comparedBytes, newFiles, removedCount, removedBytes } = plan.delta;
    return `rewrites ${plan.targetDirectory} to ${plan.serverName} as of ${plan.facts.stoppedAt.toISOString()} (backup ${plan.backupId}): compares ${comparedFiles} files (${formatBytes(comparedBytes)}) and rewrites what differs, keeps the rest, writes ${newFiles} files anew, and removes ${removedCount} that the backup does not have (${formatBytes(removedBytes)}); until it is finished no server can start there${tablespaces}${owner}${databases}${recovery}`;
  }
  return `restores ${plan.serverName} as of ${plan.facts.stoppedAt.toISOString()} (backup ${plan.backupId}, ${plan.fileCount} files, ${formatBytes(plan.bytesToWrite)}) to ${plan.targetDirectory}${tablespaces}${owner}${databases}${recovery}`;
}

/** How far the archive reaches grows all the time and is no reason to ask again: what counts is what was asked for, and from where. */
function fingerprintOf({ estimate: _, ...plan }: PlanBase): string {
  const { recovery } = plan;
  const asked = recovery === null ? null : { ...recovery.request, timeline: recovery.timeline };
  const text = JSON.stringify({ ...plan, recovery: asked }, (_, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  );
  return createHash("sha256").update(text).digest("hex");
}
