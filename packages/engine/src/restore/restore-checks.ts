import { isAbsolute, relative, resolve } from "node:path";
import { type ErrorCode, formatBytes } from "@tidemark/kit";
import type { BackupFacts } from "@tidemark/repository";
import type { CatalogEntry } from "../catalog.ts";
import type { RestoreEstimate } from "../point-in-time/estimate-restore.ts";
import type { RecoveryObstacle } from "../point-in-time/plan-recovery.ts";
import type { RecoveryPlan } from "../point-in-time/recovery-request.ts";
import { originalsFolder } from "../restored-configuration/compose-configuration.ts";
import type { DeltaSurvey } from "./delta-survey.ts";
import type { DeltaObstacle } from "./delta-target.ts";
import type { RestoreRequest } from "./plan-restore.ts";
import { type DatabaseChoice, describeChoice } from "./restore-databases.ts";
import type { Owner } from "./restore-owner.ts";
import type { TablespacePlace } from "./restore-places.ts";
import { inspectTargets, isWritable, volumeOf } from "./restore-target.ts";
import { findRunningServer } from "./running-server.ts";

/** One pre-flight check. A failed one carries the code the restore would refuse with. */
export interface RestoreCheck {
  readonly id:
    | "backup"
    | "pages"
    | "target-allowed"
    | "target-empty"
    | "target-writable"
    | "tablespaces"
    | "space"
    | "owner"
    | "configuration"
    | "wal"
    | "delta"
    | "databases"
    | "target";
  readonly state: "ok" | "warning" | "failed";
  readonly sentence: string;
  readonly code: ErrorCode | null;
}

export interface BackupSizes {
  readonly fileCount: number;
  readonly totalBytes: bigint;
  readonly fetchBytes: bigint;
  readonly packCount: number;
  /** Of the files PostgreSQL looks for in its data directory, those the backup does not hold. */
  readonly missingConfiguration: readonly string[];
  /** Part of the total that lies in each tablespace, by OID. */
  readonly tablespaceBytes: ReadonlyMap<number, bigint>;
}

export interface CheckInput {
  readonly request: RestoreRequest;
  readonly entry: CatalogEntry;
  readonly facts: BackupFacts;
  readonly sizes: BackupSizes;
  readonly owner: Owner | null;
  readonly tablespaces: readonly TablespacePlace[];
  readonly unmapped: readonly string[];
  readonly databases: DatabaseChoice | null;
  /** Null unless it is a delta restore; the survey is null when something forbids it. */
  readonly delta: { readonly obstacle: DeltaObstacle | null; readonly survey: DeltaSurvey | null } | null;
  /** Null unless there is a point in time to recover to; the plan is null when that cannot be reached. */
  readonly recovery: {
    readonly plan: RecoveryPlan | null;
    readonly obstacle: RecoveryObstacle | null;
    readonly estimate: RestoreEstimate;
  } | null;
}

/** Every pre-flight check, in the order in which a person would ask. */
export async function checkTarget(input: CheckInput): Promise<readonly RestoreCheck[]> {
  const folders = [input.request.targetDirectory, ...input.tablespaces.map(({ to }) => to)];
  const checks = [
    checkBackup(input.entry),
    checkPages(input.facts),
    checkWal(input.facts),
    ...checkRecovery(input.recovery),
    checkConfiguration(input),
    checkAllowed(input, folders),
    checkTablespaces(input),
  ];
  // What follows asks the file system about these paths, which must be sensible first.
  if (checks.some((check) => check.id === "target-allowed" && check.state === "failed")) return checks;
  if (input.databases !== null) checks.push(checkDatabases(input.databases));
  checks.push(
    input.delta === null ? await checkEmpty(folders) : checkDelta(input, input.delta),
    await checkWritable(folders),
    await checkSpace(input),
    checkOwner(input.owner),
  );
  return checks;
}

function ok(id: RestoreCheck["id"], sentence: string): RestoreCheck {
  return { id, state: "ok", sentence, code: null };
}

function warning(id: RestoreCheck["id"], sentence: string): RestoreCheck {
  return { id, state: "warning", sentence, code: null };
}

function failed(id: RestoreCheck["id"], code: ErrorCode, sentence: string): RestoreCheck {
  return { id, state: "failed", sentence, code };
}

/** Damage is a warning, not a refusal: a restore stops at the first byte it cannot vouch for, and may not meet it. */
function checkBackup({ damaged, provenAt, verifiedAt }: CatalogEntry): RestoreCheck {
  if (damaged !== null) return warning("backup", `the backup is known to be damaged: ${damaged}`);
  if (provenAt !== null) return ok("backup", `a drill restored and started it on ${provenAt.toISOString()}`);
  if (verifiedAt !== null)
    return ok("backup", `it was verified on ${verifiedAt.toISOString()}, not yet proven by a drill`);
  return ok("backup", "it is complete; neither verified nor proven yet");
}

function checkPages({ suspectPages, checksumsEnabled }: BackupFacts): RestoreCheck {
  const count = suspectPages.reduce((sum, { blocks }) => sum + blocks.length, 0);
  if (count > 0) return warning("pages", `${count} pages did not match their checksum when the server sent them`);
  return ok(
    "pages",
    checksumsEnabled ? "every page matched its checksum when the server sent it" : "the server has no page checksums",
  );
}

function checkWal({ includedWal }: BackupFacts): RestoreCheck {
  if (includedWal !== null) return ok("wal", "the WAL it needs is part of the backup");
  return failed("wal", "wal-removed", "the WAL that makes it consistent is not part of the backup");
}

/** What cannot be reached is refused before anything is copied. */
function checkRecovery(recovery: CheckInput["recovery"]): readonly RestoreCheck[] {
  if (recovery === null) return [];
  if (recovery.obstacle !== null) return [failed("target", recovery.obstacle.code, recovery.obstacle.sentence)];
  const { plan, estimate } = recovery;
  if (plan === null) return [];
  const count = plan.segments.length;
  const wal =
    count === 0
      ? "the backup holds all the WAL it needs"
      : `the WAL it needs is in the archive: ${count} segments, ${formatBytes(plan.storedBytes)} stored`;
  return [
    ok("target", `${plan.sentence}; ${wal}; takes ${estimate.how}`),
    ...plan.notes.map((note) => warning("target", note)),
  ];
}

function checkConfiguration({ facts, sizes }: CheckInput): RestoreCheck {
  const missing = sizes.missingConfiguration;
  if (missing.length === 0) return ok("configuration", "its configuration is in the data directory and comes along");
  const written = `the backup's data directory holds no ${missing.join(", ")}: a minimal configuration that starts is written`;
  if (facts.configuration === null) return warning("configuration", `${written}; the original is not known`);
  return warning(
    "configuration",
    `${written}, and what is known of the original is put into ${originalsFolder} beside it`,
  );
}

function checkAllowed({ request }: CheckInput, folders: readonly string[]): RestoreCheck {
  const odd = folders.find((folder) => !isAbsolute(folder) || resolve(folder) !== folder || resolve(folder) === "/");
  if (odd !== undefined)
    return failed("target-allowed", "target-not-allowed", `"${odd}" is not a plain absolute path of a folder`);
  const { allowedRoots } = request;
  if (allowedRoots === null) return ok("target-allowed", "restores may go anywhere the worker can write");
  const outside = folders.find((folder) => !allowedRoots.some((root) => isBelow(folder, resolve(root))));
  if (outside === undefined) return ok("target-allowed", `restores may go below ${allowedRoots.join(", ")}`);
  return failed("target-allowed", "target-not-allowed", `${outside} is not below ${allowedRoots.join(" or ")}`);
}

function checkTablespaces({ request, tablespaces, unmapped }: CheckInput): RestoreCheck {
  if (unmapped.length > 0) {
    return failed(
      "tablespaces",
      "tablespace-unmapped",
      `no folder was given for the tablespace in ${unmapped.join(", ")}`,
    );
  }
  const folders = [request.targetDirectory, ...tablespaces.map(({ to }) => to)].map((folder) => resolve(folder));
  for (const [index, folder] of folders.entries()) {
    const clash = folders.find((other, at) => at !== index && isBelow(other, folder));
    if (clash !== undefined)
      return failed(
        "tablespaces",
        "target-not-allowed",
        `${clash} lies inside (or is) ${folder}; each place needs a folder of its own`,
      );
  }
  if (tablespaces.length === 0) return ok("tablespaces", "the backup has no tablespaces of its own");
  return ok("tablespaces", tablespaces.map(({ from, to }) => `${from} goes to ${to}`).join("; "));
}

function checkDatabases(choice: DatabaseChoice): RestoreCheck {
  const sentence = describeChoice(choice);
  if (sentence === null) return ok("databases", "every database is restored whole");
  return warning("databases", sentence);
}

function checkDelta({ request }: CheckInput, { obstacle, survey }: NonNullable<CheckInput["delta"]>): RestoreCheck {
  if (obstacle !== null) return failed("delta", obstacle.code, obstacle.sentence);
  const roots = request.allowedRoots;
  const outside = survey?.followedLinks.find(
    ({ to }) => roots !== null && !roots.some((root) => isBelow(to, resolve(root))),
  );
  if (outside !== undefined) {
    return failed(
      "delta",
      "target-not-allowed",
      `${outside.path} leads to ${outside.to}, which is not below ${roots?.join(" or ")}`,
    );
  }
  if (survey === null || survey.keptFiles + survey.removed.length === 0)
    return ok("delta", "nothing is there yet: everything is written");
  const links = survey.followedLinks.map(({ path, to }) => `; ${path} stays a link to ${to}`).join("");
  const sentence = `${survey.keptFiles} files (${formatBytes(survey.keptBytes)}) are compared and rewritten where they differ, ${survey.newFiles} are written anew, ${survey.removed.length} that the backup does not have (${formatBytes(survey.removedBytes)}) are removed${links}`;
  return warning("delta", sentence);
}

async function checkEmpty(folders: readonly string[]): Promise<RestoreCheck> {
  const unfinished: string[] = [];
  const states = await inspectTargets(folders);
  for (const [index, state] of states.entries()) {
    const folder = folders[index] ?? "";
    if (state.kind === "not-a-directory") return failed("target-empty", "target-not-empty", `${folder} is a file`);
    if (state.kind === "occupied") {
      const count = state.entries.length;
      return failed(
        "target-empty",
        "target-not-empty",
        `${folder} is not empty (${state.entries.slice(0, 3).join(", ")}${count > 3 ? ", …" : ""})`,
      );
    }
    const running = state.kind === "unfinished" && index === 0 ? await findRunningServer(folder) : null;
    if (running !== null) return failed("target-empty", "target-in-use", `${running}; it holds more than a restore`);
    if (state.kind === "unfinished") unfinished.push(folder);
  }
  if (unfinished.length > 0)
    return warning("target-empty", `${unfinished.join(", ")} holds an unfinished restore, which is cleared first`);
  return ok("target-empty", "nothing is there that could be overwritten");
}

async function checkWritable(folders: readonly string[]): Promise<RestoreCheck> {
  for (const folder of folders) {
    if (!(await isWritable(folder)))
      return failed("target-writable", "target-not-writable", `this worker cannot write to ${folder}`);
  }
  return ok("target-writable", "this worker can write there");
}

async function checkSpace({ request, sizes, tablespaces, delta, recovery }: CheckInput): Promise<RestoreCheck> {
  const wal = recovery?.plan == null ? 0n : walRoom(recovery.plan);
  const elsewhere = tablespaces.reduce((sum, { oid }) => sum + (sizes.tablespaceBytes.get(oid) ?? 0n), 0n);
  const needs = [
    { folder: request.targetDirectory, bytes: sizes.totalBytes - elsewhere + wal },
    ...tablespaces.map(({ oid, to }) => ({ folder: to, bytes: sizes.tablespaceBytes.get(oid) ?? 0n })),
  ];
  const volumes = new Map<number, { readonly folder: string; bytes: bigint; readonly freeBytes: bigint }>();
  for (const { folder, bytes } of needs) {
    const { deviceId, freeBytes } = await volumeOf(folder);
    const volume = volumes.get(deviceId) ?? { folder, bytes: 0n, freeBytes };
    volume.bytes += bytes;
    volumes.set(deviceId, volume);
  }
  for (const [deviceId, { folder, bytes: wanted, freeBytes }] of volumes) {
    // What a delta restore finds there and removes is room it has already, on that disk and on no other.
    const there = delta?.survey?.bytesByDevice.get(deviceId) ?? 0n;
    const bytes = wanted > there ? wanted - there : 0n;
    if (bytes > freeBytes)
      return failed(
        "space",
        "target-full",
        `${folder} needs ${formatBytes(bytes)}, and ${formatBytes(freeBytes)} are free`,
      );
  }
  return ok("space", `${formatBytes(sizes.totalBytes + wal)} are needed and free`);
}

/** What is copied, and what a recovery keeps in pg_wal of what it has read: about max_wal_size, of which 1 GB is the usual. */
export function walRoom({ request, plainBytes }: RecoveryPlan): bigint {
  const kept = plainBytes < usualMaxWalBytes ? plainBytes : usualMaxWalBytes;
  return request.wal === "copy" ? plainBytes + kept : kept;
}

const usualMaxWalBytes = 1_073_741_824n;

function checkOwner(owner: Owner | null): RestoreCheck {
  if (owner === null) return ok("owner", "the files will belong to the account the worker runs under");
  if (owner.uid === 0)
    return warning("owner", "the files will belong to root, and PostgreSQL refuses to run as root; give an owner");
  return ok("owner", `the files will belong to ${owner.uid}:${owner.gid}`);
}

/** Whether a path is a folder or lies in it. */
function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, resolve(path));
  return way === "" || (!way.startsWith("..") && !isAbsolute(way));
}
