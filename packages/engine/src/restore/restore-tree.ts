import { chmod, chown, lchown, mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { ManifestFileRows, ManifestReader, ManifestRows } from "@tidemark/repository";
import { throwIfCancelled } from "../act.ts";
import type { PlaceCounts } from "../frames/place-table.ts";
import type { WorkerThreads } from "../frames/worker-threads.ts";
import type { RestorePlan } from "./plan-restore.ts";
import { isEmptiedPath } from "./restore-databases.ts";
import { controlPath, type RestorePlaces, stagedControlPath } from "./restore-places.ts";
import { syncDirectory } from "./restore-target.ts";
import type { MadeFile, TargetReply, TargetRequest } from "./target-requests.ts";

export type TargetThreads = WorkerThreads<TargetRequest, TargetReply>;

export interface TreeRequest {
  readonly manifest: ManifestReader;
  readonly plan: RestorePlan;
  readonly places: RestorePlaces;
  readonly threads: TargetThreads;
  /** Paths that are written by somebody else. */
  readonly isOthers: (path: string) => boolean;
  /** Counts what has to be fetched, in passing; null: that is not known yet (a delta restore). */
  readonly counts: PlaceCounts | null;
  readonly signal: AbortSignal;
}

/** The files of a restore by their number in the manifest. */
export interface TreeFile {
  /** Absolute place as latin1 text; null where nothing of it is written from the backup. */
  readonly place: string | null;
  /** It was there before: it holds something that may be right already. */
  readonly wasThere: boolean;
}

/**
 * Makes every folder and file of a backup; files get their full size at once, so that what is not written later
 * is a run of zeros (sparse, where the file system can). The content comes afterwards, in the order of the packs.
 */
export class RestoredTree {
  readonly files: TreeFile[] = [];
  readonly #request: TreeRequest;
  readonly #roots: readonly string[];
  /** Places as latin1 text. */
  readonly #folders = new Set<string>();
  readonly #emptied: ReadonlySet<number>;
  #allFiles: string[] = [];

  private constructor(request: TreeRequest) {
    this.#request = request;
    this.#roots = [request.plan.targetDirectory, ...request.plan.tablespaces.map(({ to }) => to)];
    this.#emptied = new Set(request.plan.databases?.emptied.map(({ oid }) => oid));
  }

  static async make(request: TreeRequest): Promise<RestoredTree> {
    const tree = new RestoredTree(request);
    await tree.#make();
    return tree;
  }

  async #make(): Promise<void> {
    const { manifest, plan, places, signal } = this.#request;
    for (const root of this.#roots) await chmod(root, plan.facts.dataDirectoryMode);
    let waiting: Making[] = [];
    const running: Promise<void>[] = [];
    const makeWaiting = async () => {
      if (waiting.length === 0) return;
      running.push((await this.#startMaking(waiting)).made);
      waiting = [];
    };
    for await (const entry of manifest.rows()) {
      throwIfCancelled(signal);
      const place = entryPlace(places, entry);
      if (place !== null) await this.#makeParents(place);
      if (entry.kind === "directory" && place !== null) await this.#makeDirectory(place, entry.mode);
      if (entry.kind !== "file") continue;
      const index = this.files.push(absent) - 1;
      if (place !== null) waiting.push({ index, made: this.#describe(entry, place.toString("latin1")) });
      if (waiting.length >= filesPerRequest) await makeWaiting();
    }
    await makeWaiting();
    await Promise.all(running);
  }

  #describe(entry: ManifestFileRows, place: string): Making["made"] {
    const path = Buffer.from(entry.path).toString("latin1");
    const isEmptied = isEmptiedPath(path, this.#emptied);
    const isWritten = !isEmptied && !this.#request.isOthers(path);
    if (isWritten) this.#request.counts?.add(entry.extents);
    const content = this.#request.plan.delta === null ? "new" : isEmptied ? "empty" : "keep";
    return { place, sizeBytes: Number(entry.sizeBytes), mode: entry.mode, content, isWritten };
  }

  /** Comes back as soon as a thread has taken the request: more of the manifest is read while the files are made. */
  async #startMaking(waiting: readonly Making[]): Promise<{ readonly made: Promise<void> }> {
    const { reply } = await this.#request.threads.start({ kind: "make", files: waiting.map(({ made }) => made) });
    const made = reply.then((answer) => {
      if (answer.kind !== "made") throw new TypeError("files were not made");
      for (const [at, { index, made: file }] of waiting.entries()) {
        this.files[index] = { place: file.isWritten ? file.place : null, wasThere: answer.wasThere[at] === true };
        this.#allFiles.push(file.place);
      }
    });
    // Looked at when all are under way; that it failed is not lost by then.
    made.catch(() => undefined);
    return { made };
  }

  /** A server sends folders before what is in them, but `pg_tblspc/<oid>` has no entry of its own in every version. */
  async #makeParents(place: Buffer): Promise<void> {
    const parent = parentOf(place);
    const key = parent.toString("latin1");
    if (this.#folders.has(key)) return;
    await mkdir(parent, { recursive: true, mode: this.#request.plan.facts.dataDirectoryMode });
    for (let folder = key; folder !== "" && !this.#folders.has(folder) && !this.#isAboveRoots(folder); ) {
      this.#folders.add(folder);
      folder = folder.slice(0, folder.lastIndexOf("/"));
    }
  }

  #isAboveRoots(folder: string): boolean {
    return this.#roots.some((root) => dirname(root) === Buffer.from(folder, "latin1").toString("utf8"));
  }

  /** Never less than the owner's own rights: the content is still to be written into it. */
  async #makeDirectory(place: Buffer, mode: number): Promise<void> {
    await mkdir(place, { recursive: true });
    await chmod(place, (mode & 0o777) | 0o700);
    this.#folders.add(trimmed(place.toString("latin1")));
  }

  /** Gives every file and folder to its owner and makes it durable: files first, since a name is durable only with its folder. */
  async sync(signal: AbortSignal): Promise<void> {
    const { plan, places, threads } = this.#request;
    const own = [places.below("backup_manifest").toString("latin1")];
    const files = [...this.#allFiles, ...own];
    this.#allFiles = [];
    const running: Promise<TargetReply>[] = [];
    for (let at = 0; at < files.length; at += filesPerSync) {
      throwIfCancelled(signal);
      const request = { kind: "sync" as const, places: files.slice(at, at + filesPerSync), owner: plan.owner };
      running.push((await threads.start(request)).reply);
    }
    await Promise.all(running);
    for (const root of this.#roots) this.#folders.add(Buffer.from(root).toString("latin1"));
    if (plan.tablespaces.length > 0) this.#folders.add(places.below("pg_tblspc").toString("latin1"));
    for (const { oid } of plan.tablespaces) {
      if (plan.owner !== null) await lchown(places.below(`pg_tblspc/${oid}`), plan.owner.uid, plan.owner.gid);
    }
    for (const folder of this.#folders) {
      const path = Buffer.from(folder, "latin1");
      if (plan.owner !== null) await chown(path, plan.owner.uid, plan.owner.gid);
      await syncDirectory(path);
    }
  }

  /** Makes the names of the restored folders themselves durable. */
  async syncParents(): Promise<void> {
    for (const root of this.#roots) await syncDirectory(dirname(root));
  }
}

interface Making {
  readonly index: number;
  readonly made: MadeFile & { readonly isWritten: boolean };
}

const absent: TreeFile = { place: null, wasThere: false };

function entryPlace(places: RestorePlaces, entry: ManifestRows): Buffer | null {
  // A server sends no links but those of tablespaces, and these are made anew, to where those were restored.
  if (entry.kind === "symlink") return null;
  if (Buffer.from(entry.path).toString("latin1") === controlPath) return places.below(stagedControlPath);
  return places.of(entry.path);
}

function parentOf(place: Buffer): Buffer {
  return place.subarray(0, Math.max(1, place.lastIndexOf(slash)));
}

/** Trailing slashes come from tablespace roots, whose own entry is the root itself. */
function trimmed(place: string): string {
  return place.replace(/\/+$/, "");
}

const slash = 0x2f;
/** Files are made and synced some at a time: a message between threads costs as much as making a few. */
const filesPerRequest = 128;
const filesPerSync = 32;
