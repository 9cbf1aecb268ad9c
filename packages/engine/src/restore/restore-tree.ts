import { chmod, chown, lchown, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import type { ManifestEntry, ManifestFile, ManifestReader } from "@tidemark/repository";
import { throwIfCancelled } from "../act.ts";
import type { RestorePlan } from "./plan-restore.ts";
import type { Owner } from "./restore-owner.ts";
import { controlPath, type RestorePlaces, stagedControlPath } from "./restore-places.ts";
import { syncDirectory } from "./restore-target.ts";

export interface TreeRequest {
  readonly manifest: ManifestReader;
  readonly plan: RestorePlan;
  readonly places: RestorePlaces;
  readonly signal: AbortSignal;
}

export interface RestoredTree {
  /** Gives every file and folder to its owner and makes it durable. */
  sync(signal: AbortSignal): Promise<void>;
  /** Makes the names of the restored folders themselves durable. */
  syncParents(): Promise<void>;
}

/**
 * Makes every folder and file of a backup; files get their full size at once, so that what is not written later
 * is a run of zeros (sparse, where the file system can). The content comes afterwards, in the order of the packs.
 */
export async function makeTree(request: TreeRequest): Promise<RestoredTree> {
  const { manifest, plan, places, signal } = request;
  const roots = [plan.targetDirectory, ...plan.tablespaces.map(({ to }) => to)];
  for (const root of roots) await chmod(root, plan.facts.dataDirectoryMode);
  const made = new Set<string>();
  for await (const entry of manifest.entries()) {
    throwIfCancelled(signal);
    const place = entryPlace(places, entry);
    if (place === null) continue;
    await makeParents(place, made, plan.facts.dataDirectoryMode);
    if (entry.kind === "directory") await makeDirectory(place, entry.mode, made);
    else if (entry.kind === "file") await makeFile(place, entry);
  }
  return {
    sync: (syncSignal) => syncTree({ ...request, signal: syncSignal }, roots),
    syncParents: async () => {
      for (const root of roots) await syncDirectory(dirname(root));
    },
  };
}

function entryPlace(places: RestorePlaces, entry: ManifestEntry): Buffer | null {
  // A server sends no links but those of tablespaces, and these are made anew, to where those were restored.
  if (entry.kind === "symlink") return null;
  if (Buffer.from(entry.path).toString("latin1") === controlPath) return places.below(stagedControlPath);
  return places.of(entry.path);
}

/** A server sends folders before what is in them, but `pg_tblspc/<oid>` has no entry of its own in every version. */
async function makeParents(place: Buffer, made: Set<string>, mode: number): Promise<void> {
  const parent = parentOf(place);
  const key = parent.toString("latin1");
  if (made.has(key)) return;
  await mkdir(parent, { recursive: true, mode });
  made.add(key);
}

/** Never less than the owner's own rights: the content is still to be written into it. */
async function makeDirectory(place: Buffer, mode: number, made: Set<string>): Promise<void> {
  await mkdir(place, { recursive: true });
  await chmod(place, (mode & 0o777) | 0o700);
  made.add(place.toString("latin1"));
}

async function makeFile(place: Buffer, entry: ManifestFile): Promise<void> {
  const handle = await open(place, "wx", 0o600);
  try {
    await handle.truncate(Number(entry.sizeBytes));
    // mkdir and open obey the process's umask; the manifest's mode is meant as it is.
    await handle.chmod((entry.mode & 0o777) | 0o600);
  } finally {
    await handle.close();
  }
}

/** Files first, then folders: a name is durable only with its folder. Several at a time, since each waits for the disk. */
async function syncTree(request: TreeRequest, roots: readonly string[]): Promise<void> {
  const { plan, places, manifest, signal } = request;
  const folders = new Map<string, Buffer>();
  for (const root of roots) folders.set(root, Buffer.from(root));
  await eachAtOnce(syncsAtOnce, placedEntries(manifest, places, signal), async ({ place, kind }) => {
    for (
      let folder = kind === "directory" ? place : parentOf(place);
      !isRoot(folder, roots);
      folder = parentOf(folder)
    ) {
      folders.set(folder.toString("latin1"), folder);
    }
    if (kind === "file") await syncFile(place, plan.owner);
  });
  await syncFile(places.below("backup_manifest"), plan.owner);
  if (plan.tablespaces.length > 0) folders.set("pg_tblspc", places.below("pg_tblspc"));
  for (const { oid } of plan.tablespaces) {
    if (plan.owner !== null) await lchown(places.below(`pg_tblspc/${oid}`), plan.owner.uid, plan.owner.gid);
  }
  await eachAtOnce(syncsAtOnce, folders.values(), async (folder) => {
    if (plan.owner !== null) await chown(folder, plan.owner.uid, plan.owner.gid);
    await syncDirectory(folder);
  });
}

async function* placedEntries(manifest: ManifestReader, places: RestorePlaces, signal: AbortSignal) {
  for await (const entry of manifest.entries()) {
    throwIfCancelled(signal);
    const place = entryPlace(places, entry);
    if (place !== null) yield { place, kind: entry.kind };
  }
}

async function syncFile(place: Buffer, owner: Owner | null): Promise<void> {
  const handle = await open(place, "r+");
  try {
    if (owner !== null) await handle.chown(owner.uid, owner.gid);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Works through `items` with at most `limit` under way; the first failure ends it once the others have ended. */
async function eachAtOnce<T>(
  limit: number,
  items: AsyncIterable<T> | Iterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let first: { readonly error: unknown } | null = null;
  for await (const item of items) {
    const task: Promise<void> = work(item)
      .catch((error: unknown) => {
        first ??= { error };
      })
      .finally(() => running.delete(task));
    running.add(task);
    if (running.size >= limit) await Promise.race(running);
    if (first !== null) break;
  }
  await Promise.all(running);
  if (first !== null) throw (first as { readonly error: unknown }).error;
}

function parentOf(place: Buffer): Buffer {
  return place.subarray(0, Math.max(1, place.lastIndexOf(slash)));
}

/** Trailing slashes come from tablespace roots, whose own entry is the root itself. */
function isRoot(folder: Buffer, roots: readonly string[]): boolean {
  const text = folder.toString("utf8").replace(/\/+$/, "");
  return text === "" || roots.includes(text);
}

const slash = 0x2f;
const syncsAtOnce = 8;
