import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type CloneDeps, type CloneStanding, cloneRoot } from "@tidemark/engine";
import type { CloneResult } from "@tidemark/jobs";
import { AppError, systemErrorCode } from "@tidemark/kit";
import type { CloneChange, CloneRow } from "@tidemark/metadata";
import { formatLsn, type Lsn } from "@tidemark/postgres";
import { cloneFolder } from "../scratch.ts";
import type { WorkerDeps } from "../worker-deps.ts";

/** How long a clone's server may take to be consistent, and then to replay. */
export const cloneTimes = { startTimeoutMs: 10 * 60_000, replayTimeoutMs: 6 * 3_600_000 } as const;

/** What the engine's acts on clones of this machine are given, the repository apart. */
export function hereDeps(deps: Pick<WorkerDeps, "settings" | "clock">): Omit<CloneDeps, "area"> {
  return {
    clock: deps.clock,
    cloneDir: cloneFolder(deps.settings),
    postgresCacheDir: join(deps.settings.home, "cache", "postgres"),
  };
}

/** Whether a clone's files are this worker's to touch: its machine, and its folder for clones. */
export async function isHere(deps: Pick<WorkerDeps, "settings">, row: CloneRow): Promise<boolean> {
  if (row.hostname !== deps.settings.hostname || row.path === null) return false;
  return row.path === (await cloneRoot(cloneFolder(deps.settings), row.id));
}

/** The row of a clone that lives here. Throws `not-found`, `clone-expired` and `clone-elsewhere`. */
export async function requireCloneHere(deps: Pick<WorkerDeps, "settings" | "metadata">, id: string): Promise<CloneRow> {
  const row = await deps.metadata.clones.get(id);
  if (row === null) throw new AppError("not-found", { message: `there is no clone ${id}` });
  if (row.endedAt !== null) throw new AppError("clone-expired", { message: `clone ${id} has ended` });
  if (await isHere(deps, row)) return row;
  throw new AppError("clone-elsewhere", {
    message: `clone ${id} lives on ${row.hostname ?? "no machine yet"}, where no worker keeps it; this one is on ${deps.settings.hostname}`,
    hint: `start a worker there and ask again, or end it (\`tidemark clone end ${id}\`): its record goes at once, its files when a worker starts there`,
  });
}

/** What changes in the row when a clone stands somewhere. */
export function standingChange(standing: CloneStanding, sizeBytes: bigint): CloneChange {
  const { record, reached, pid, user } = standing;
  return {
    state: "running",
    backupId: record.backupId,
    promoted: record.promoted,
    pid,
    userName: user,
    sizeBytes,
    reached: { ...pointOf(reached), sentence: record.recovery?.sentence ?? null },
  };
}

export function cloneResult(row: CloneRow, standing: CloneStanding, hostname: string): CloneResult {
  const { record, reached, root, user } = standing;
  const { reachedLsn, reachedAt } = pointOf(reached);
  return {
    cloneId: row.id,
    backupId: record.backupId,
    hostname,
    path: root,
    host: row.host ?? "",
    port: row.port ?? 0,
    userName: user,
    promoted: record.promoted,
    sentence: record.recovery?.sentence ?? null,
    reachedLsn,
    reachedAt,
    sizeBytes: String(row.sizeBytes ?? 0n),
  };
}

function pointOf({ lsn, at }: CloneStanding["reached"]) {
  return { reachedLsn: lsn === null ? null : formatLsn(lsn as Lsn), reachedAt: at?.toISOString() ?? null };
}

/** Space on disk of a folder and all below it; what goes while it is read does not count. */
export async function folderBytes(root: string): Promise<bigint> {
  let sum = 0n;
  const pending = [root];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(emptyWhenGone)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) pending.push(path);
      // st_blocks counts 512 bytes whatever the file system's blocks are (stat(2)).
      else if (entry.isFile()) sum += BigInt((await lstat(path).catch(nullWhenGone))?.blocks ?? 0) * 512n;
    }
  }
  return sum;
}

function nullWhenGone(error: unknown): null {
  if (systemErrorCode(error) === "ENOENT") return null;
  throw error;
}

function emptyWhenGone(error: unknown): never[] {
  if (systemErrorCode(error) === "ENOENT") return [];
  throw error;
}
