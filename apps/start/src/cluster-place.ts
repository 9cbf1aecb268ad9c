import { createHash } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { AppError, type Secret, systemErrorCode } from "@tidemark/kit";
import { findPostmaster, findServerUser, placeForServer } from "@tidemark/local-postgres";
import { z } from "zod";
import { exists } from "./home.ts";

export interface ClusterRequest {
  /** The home it belongs to. */
  readonly home: string;
  /** Where the data directory would lie in the home. */
  readonly preferred: string;
  /** File in the home that remembers where it lies instead. */
  readonly record: string;
  /** The cluster's superuser password, which only this home has: what proves that a folder outside is this home's. */
  readonly password: Secret;
  /** What becomes of a cluster that a deleted home left behind: kept under another name, or removed (the demo). */
  readonly leftover: "set-aside" | "remove";
}

export interface ClusterPlace {
  readonly dataDir: string;
  readonly isNew: boolean;
  /** Where it lies outside the home, else null. */
  readonly relocatedTo: string | null;
  /** Where the cluster of a deleted home was put, else null. */
  readonly setAside: string | null;
  /** To be called when the new cluster is whole: from then on the home knows it. */
  settle(): Promise<void>;
}

/**
 * Finds where a cluster of this home lies, or where a new one goes. Run by root it lies outside the home (see
 * `placeForServer`), in a folder named by the home's path; so a home that was deleted, moved or copied could meet the
 * cluster of another. An owner file beside the data directory says whose it is, and the home remembers the place:
 *
 * - deleted and begun anew: the old cluster is put aside (its passwords are gone with the home), never used;
 * - moved: the cluster stays where it is and is found through the record;
 * - copied while the original still exists: refused, or two homes would use one database.
 */
export async function clusterPlace(request: ClusterRequest): Promise<ClusterPlace> {
  const recorded = await readIfThere(request.record);
  if (recorded !== null) return await recordedPlace(request, recorded);
  const place = await placeForServer(request.preferred, await findServerUser());
  if (place.relocatedFrom === null) {
    const isNew = !(await exists(`${place.path}/PG_VERSION`));
    return { dataDir: place.path, isNew, relocatedTo: null, setAside: null, settle: async () => undefined };
  }
  // What an earlier start was removing when it died.
  await rm(doomed(place.path), { recursive: true, force: true });
  const isThere = await exists(`${place.path}/PG_VERSION`);
  const isOurs = isThere && (await readOwner(place.path))?.proof === proofOf(request.password);
  const setAside = isThere && !isOurs ? await clearLeftover(request, place.path) : null;
  // The owner before the cluster: one that died in the making is recognised, and made again.
  await writeOwner(place.path, request);
  return {
    dataDir: place.path,
    isNew: !isOurs,
    relocatedTo: place.path,
    setAside,
    settle: () => writeWhole(request.record, `${place.path}\n`),
  };
}

async function recordedPlace(request: ClusterRequest, dataDir: string): Promise<ClusterPlace> {
  if (!(await exists(`${dataDir}/PG_VERSION`))) {
    throw new AppError("cluster-missing", {
      message: `this home's PostgreSQL data are not in ${dataDir} any more`,
      hint: `bring them back; without them, remove ${request.record}: an empty database is made, and a repository attached again with its recovery kit shows its backups`,
    });
  }
  const owner = await readOwner(dataDir);
  if (owner !== null && owner.proof !== proofOf(request.password)) {
    throw new AppError("cluster-missing", {
      message: `the PostgreSQL data in ${dataDir} belong to another home (${owner.home})`,
      hint: "nothing was changed; give this home back its own data, or begin with an empty TIDEMARK_HOME",
    });
  }
  if (owner !== null && owner.home !== request.home && (await exists(owner.home))) {
    throw new AppError("home-in-use", {
      message: `${request.home} is a copy of ${owner.home}, which owns the database in ${dataDir}`,
      hint: "start the original, or remove it if it was moved here; nothing was changed",
    });
  }
  if (owner?.home !== request.home) await writeOwner(dataDir, request);
  return { dataDir, isNew: false, relocatedTo: dataDir, setAside: null, settle: async () => undefined };
}

async function clearLeftover(request: ClusterRequest, dataDir: string): Promise<string | null> {
  const pid = await findPostmaster(dataDir);
  if (pid !== null) {
    throw new AppError("home-in-use", {
      message: `a PostgreSQL server of an earlier home still runs in ${dataDir} (pid ${pid})`,
      hint: "stop it (kill -INT and its pid), then start again; its data will be put aside",
    });
  }
  if (request.leftover === "remove") {
    // Renamed first: a removal that dies half-way must not leave a folder that is neither a cluster nor empty.
    await rename(dataDir, doomed(dataDir));
    await rm(doomed(dataDir), { recursive: true });
    return null;
  }
  for (let number = 1; ; number++) {
    const aside = `${dataDir}.of-deleted-home-${number}`;
    if (await exists(aside)) continue;
    await rename(dataDir, aside);
    return aside;
  }
}

function doomed(dataDir: string): string {
  return `${dataDir}.removing`;
}

const Owner = z.object({ home: z.string(), proof: z.string() });

function ownerFile(dataDir: string): string {
  return `${dataDir}.owner`;
}

async function readOwner(dataDir: string): Promise<z.infer<typeof Owner> | null> {
  const text = await readIfThere(ownerFile(dataDir));
  return text === null ? null : (Owner.safeParse(parseJson(text)).data ?? null);
}

function writeOwner(dataDir: string, request: ClusterRequest): Promise<void> {
  const owner: z.infer<typeof Owner> = { home: request.home, proof: proofOf(request.password) };
  return writeWhole(ownerFile(dataDir), `${JSON.stringify(owner)}\n`);
}

/** A hash of a random password of 192 bits gives nothing away. */
function proofOf(password: Secret): string {
  return createHash("sha256").update(`tidemark cluster owner\n${password.reveal()}`).digest("hex");
}

async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Half-written or foreign: it proves nothing.
    return null;
  }
}
