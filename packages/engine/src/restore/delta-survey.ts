import type { Stats } from "node:fs";
import { lstat, readdir, realpath, rm, rmdir, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { AppError, systemErrorCode } from "@tidemark/kit";
import type { ManifestReader } from "@tidemark/repository";
import { throwIfCancelled } from "../act.ts";
import { controlPath, type RestorePlaces, stagedControlPath, type TablespacePlace } from "./restore-places.ts";
import { restoringMark, wrapTargetError } from "./restore-target.ts";

/** What is in the folders of a delta restore, measured against the backup. */
export interface DeltaSurvey {
  /** Files of the backup that are there: compared, rewritten where they differ. */
  readonly keptFiles: number;
  readonly keptBytes: bigint;
  /** Files of the backup that are not there, or are something else. */
  readonly newFiles: number;
  /** What the backup does not have: removed. In an order in which it can be. */
  readonly removed: readonly RemovedEntry[];
  readonly removedBytes: bigint;
  /** Of both, by the device they lie on: room that is there already. */
  readonly bytesByDevice: ReadonlyMap<number, bigint>;
  /** Folders that are links to somewhere else, and stay so (`pg_wal` on a disk of its own): path and where it leads. */
  readonly followedLinks: readonly { readonly path: string; readonly to: string }[];
}

export interface RemovedEntry {
  /** Absolute, as latin1 text: one character for each byte. */
  readonly place: string;
  readonly kind: "file" | "folder";
  readonly sizeBytes: number;
}

/**
 * Looks through the data directory and the tablespaces. Reads names and sizes only. Only what is below the folders of
 * the restore is looked at, and links are followed only where the backup has a folder of that name; a disk mounted where
 * it has none is left alone.
 */
export async function surveyTarget(
  manifest: ManifestReader,
  targetDirectory: string,
  tablespaces: readonly TablespacePlace[],
  places: RestorePlaces,
  signal: AbortSignal,
): Promise<DeltaSurvey> {
  const survey = new Survey(signal);
  await survey.learn(manifest, places);
  survey.expectTablespaces(places, tablespaces);
  await survey.walk(Buffer.from(targetDirectory), true);
  for (const { to } of tablespaces) await survey.walk(Buffer.from(to), true);
  return survey.result();
}

/** Removes what a survey found that the backup does not have. What is gone already is no error. */
export async function removeSurplus(removed: readonly RemovedEntry[], signal: AbortSignal): Promise<void> {
  for (const { place, kind } of removed) {
    throwIfCancelled(signal);
    const path = Buffer.from(place, "latin1");
    try {
      if (kind === "folder") await rmdir(path);
      else await rm(path, { force: true });
    } catch (error) {
      if (systemErrorCode(error) === "ENOTEMPTY") throw filledMeanwhile(path.toString("utf8"), error);
      if (systemErrorCode(error) !== "ENOENT") throw wrapTargetError(error, path.toString("utf8"));
    }
  }
}

function filledMeanwhile(folder: string, cause: unknown): AppError {
  return new AppError("target-not-empty", {
    message: `something was put into ${folder} while it was cleared`,
    hint: "see who writes there, and run the restore again: it looks anew and goes on",
    cause,
  });
}

class Survey {
  readonly #signal: AbortSignal;
  /** Absolute places of the backup's entries. */
  readonly #files = new Set<string>();
  readonly #folders = new Set<string>();
  readonly #links = new Set<string>();
  readonly #removed: RemovedEntry[] = [];
  readonly #followed: { path: string; to: string }[] = [];
  #keptFiles = 0;
  #keptBytes = 0n;
  #removedBytes = 0n;
  readonly #bytesByDevice = new Map<number, bigint>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  async learn(manifest: ManifestReader, places: RestorePlaces): Promise<void> {
    for await (const entry of manifest.entries()) {
      throwIfCancelled(this.#signal);
      const place = entry.kind === "symlink" ? null : places.of(entry.path);
      if (place === null) continue;
      const text = trim(place.toString("latin1"));
      (entry.kind === "file" ? this.#files : this.#folders).add(text);
      // Folders without an entry of their own (`pg_tblspc/<oid>` in some versions).
      for (let at = text.lastIndexOf("/"); at > 0; at = text.lastIndexOf("/", at - 1)) {
        const parent = text.slice(0, at);
        if (this.#folders.has(parent)) break;
        this.#folders.add(parent);
      }
    }
    // Made by ourselves in any case; not surplus.
    for (const own of [stagedControlPath, controlPath]) this.#files.add(places.below(own).toString("latin1"));
  }

  /** The links of tablespaces that stay as they are, when they lead where they shall. */
  expectTablespaces(places: RestorePlaces, tablespaces: readonly TablespacePlace[]): void {
    if (tablespaces.length > 0) this.#folders.add(places.below("pg_tblspc").toString("latin1"));
    for (const { oid } of tablespaces) this.#links.add(places.below(`pg_tblspc/${oid}`).toString("latin1"));
  }

  async walk(folder: Buffer, isRoot: boolean): Promise<void> {
    for (const name of await readNames(folder)) {
      throwIfCancelled(this.#signal);
      const text = name.toString("latin1");
      if (isRoot && text === restoringMark) continue;
      // It belongs to the file system, in the root of a disk: of the folder's own, or of one that `pg_wal` lies on.
      if (text === lostAndFound && (isRoot || (await isDiskRoot(folder)))) continue;
      await this.#look(Buffer.concat([folder, slash, name]));
    }
  }

  async #look(path: Buffer): Promise<void> {
    const place = path.toString("latin1");
    const facts = await factsOf(path);
    if (facts === null) return;
    if (facts.isSymbolicLink()) return this.#lookAtLink(path, place, facts);
    if (facts.isDirectory()) {
      // A disk that the backup knows nothing of is nobody's surplus: it stays, and what is on it.
      if (!this.#folders.has(place) && (await isDiskRoot(path))) return this.#keepWayTo(place);
      await this.walk(path, false);
      // After what is in it: so it is empty when its turn comes.
      if (!this.#folders.has(place)) this.#remove(place, "folder", 0);
      return;
    }
    // What has a second name stays on the disk when it goes here.
    if (facts.nlink === 1) this.#countRoom(facts);
    // One with a second name (a snapshot of hard links) is made anew: written in place, it would change there, too.
    if (!this.#files.has(place) || !facts.isFile() || facts.nlink > 1) return this.#remove(place, "file", facts.size);
    this.#keptFiles++;
    this.#keptBytes += BigInt(facts.size);
  }

  #keepWayTo(place: string): void {
    for (let at = place.lastIndexOf("/"); at > 0; at = place.lastIndexOf("/", at - 1))
      this.#folders.add(place.slice(0, at));
  }

  async #lookAtLink(path: Buffer, place: string, facts: Stats): Promise<void> {
    if (this.#links.has(place)) return;
    if (this.#folders.has(place) && (await leadsToFolder(path))) {
      this.#followed.push({ path: path.toString("utf8"), to: resolve(await realpath(path.toString("utf8"))) });
      await this.walk(path, false);
      return;
    }
    this.#remove(place, "file", facts.size);
  }

  #countRoom({ dev, size }: Stats): void {
    this.#bytesByDevice.set(dev, (this.#bytesByDevice.get(dev) ?? 0n) + BigInt(size));
  }

  #remove(place: string, kind: RemovedEntry["kind"], sizeBytes: number): void {
    this.#removed.push({ place, kind, sizeBytes });
    this.#removedBytes += BigInt(sizeBytes);
  }

  result(): DeltaSurvey {
    return {
      keptFiles: this.#keptFiles,
      keptBytes: this.#keptBytes,
      newFiles: Math.max(0, this.#files.size - 2 - this.#keptFiles),
      removed: this.#removed,
      removedBytes: this.#removedBytes,
      bytesByDevice: this.#bytesByDevice,
      followedLinks: this.#followed,
    };
  }
}

async function readNames(folder: Buffer): Promise<Buffer[]> {
  try {
    return (await readdir(folder, { encoding: "buffer" })).sort(Buffer.compare);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw wrapTargetError(error, folder.toString("utf8"));
  }
}

/** Null: gone since its folder was read. */
async function factsOf(path: Buffer): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    throw wrapTargetError(error, path.toString("utf8"));
  }
}

async function leadsToFolder(path: Buffer): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT" || systemErrorCode(error) === "ELOOP") return false;
    throw wrapTargetError(error, path.toString("utf8"));
  }
}

/** Whether another file system is mounted here. A folder's link counts as what it leads to. */
async function isDiskRoot(path: Buffer): Promise<boolean> {
  try {
    const [own, above] = [await stat(path), await stat(Buffer.concat([path, Buffer.from("/..")]))];
    return own.dev !== above.dev;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    throw wrapTargetError(error, path.toString("utf8"));
  }
}

/** A tablespace's own root comes with a slash behind it. */
function trim(place: string): string {
  return place.length > 1 && place.endsWith("/") ? place.slice(0, -1) : place;
}

const slash = Buffer.from("/");
const lostAndFound = "lost+found";
