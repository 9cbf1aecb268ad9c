import { AppError, joinCleanup } from "@tidemark/kit";
import { doomedPacks } from "../collection/collection-pass.ts";
import { holdLease } from "../collection/lease-keeper.ts";
import { readMarks } from "../collection/mark.ts";
import { holdPacks } from "../collection/pack-hold.ts";
import { isLostManifest, ManifestObject } from "../manifests/manifest-object.ts";
import { assertId, manifestKey, marksPrefix, nameOf, packKey, packsPrefix } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { putFacts } from "../seal/facts-object.ts";
import { contextOf } from "../server-area.ts";
import type { MarkKind, ServerArea } from "../types.ts";
import { checkManifest, copyManifest } from "./copy-manifest.ts";
import { assertGivesAll, checkPack, copyPack, openSourcePack, sameFrames } from "./copy-pack.ts";
import { readPacksInUse } from "./packs-in-use.ts";

/** What is there to copy of one backup, found out without reading packs. */
export interface CopyNeed {
  readonly backupId: string;
  /** Whether its manifest is at the target and can be read. */
  readonly isListed: boolean;
  /** Packs it points into that the target lacks, with their stored size at the source; null: lost at the source. */
  readonly missingPacks: ReadonlyMap<string, number | null>;
}

/** What each of these backups needs to be at the target. Throws `manifest-missing` or `manifest-damaged` of the source. */
export async function surveyCopy(
  source: ServerArea,
  target: ServerArea,
  backupIds: readonly string[],
): Promise<readonly CopyNeed[]> {
  const [from, to] = [contextOf(source), contextOf(target)];
  const present = await packSizes(to, target.serverId);
  const sizes = await packSizes(from, source.serverId);
  const needs: CopyNeed[] = [];
  for (const backupId of backupIds) {
    assertId(backupId, "backup id");
    const manifest = await ManifestObject.open(from, manifestKey(source.serverId, backupId));
    const missing = manifest.packIds.filter((packId) => !present.has(packId));
    const missingPacks = new Map(missing.map((packId) => [packId, sizes.get(packId) ?? null]));
    const key = manifestKey(target.serverId, backupId);
    const isListed = (await stateOf(() => ManifestObject.open(to, key))) === "whole";
    needs.push({ backupId, isListed, missingPacks });
  }
  return needs;
}

export interface CopyBackup {
  readonly source: ServerArea;
  readonly target: ServerArea;
  readonly backupId: string;
  /** Packs known to be whole at the target, from this run's earlier copies; added to. */
  readonly checkedPacks?: Set<string>;
  readonly onBytes?: (bytes: number) => void;
  /** Waited for before each part of a pack, up to 4 MiB: keeps the copy below a rate. */
  readonly pace?: (bytes: number) => Promise<void>;
  readonly signal?: AbortSignal;
}

export interface CopiedBackup {
  readonly copiedPacks: number;
  readonly copiedBytes: bigint;
  /** Packs that were at the target, damaged, and were put there anew. */
  readonly replacedPacks: readonly string[];
  /** Marks that followed. */
  readonly copiedMarks: number;
}

/**
 * Brings one backup into another repository: packs that are not there, then the manifest, then its holds and notes.
 * Server id, backup id, pack ids and frame indexes stay; keys, salts and the repository's id are the target's. What an
 * earlier attempt brought is used; copying what is there already changes nothing.
 *
 * Order for the crash: a reader's lease at the source and a copy's at the target (so that neither collection removes what
 * is needed), packs, manifest, marks, leases. Dying anywhere leaves packs that the next attempt uses, or a whole backup.
 * Throws `manifest-missing`, `manifest-damaged`, `pack-missing` or `pack-damaged` for what the source cannot give, and
 * `pack-condemned` for a pack at the target that its collection is about to remove.
 */
export async function copyBackup(copy: CopyBackup): Promise<CopiedBackup> {
  const [from, to] = [contextOf(copy.source), contextOf(copy.target)];
  assertId(copy.backupId, "backup id");
  if (copy.source.serverId !== copy.target.serverId || from.repositoryId === to.repositoryId) {
    throw new AppError("bad-request", { message: "a backup is copied to the same server of another repository" });
  }
  await to.step("copy:before-lease");
  // A place that refuses to be written to holds nobody up: there no collection removes anything either.
  await using _reading = await holdPacks(from, copy.source.serverId, "reader");
  const writing = await holdLease(to, copy.target.serverId, { kind: "copy", backupId: null });
  let copied: CopiedBackup;
  try {
    await to.step("copy:after-lease");
    copied = await new BackupCopy(copy, from, to).run();
  } catch (error) {
    throw await joinCleanup(error, () => writing.release());
  }
  await writing.release();
  return copied;
}

class BackupCopy {
  readonly #copy: CopyBackup;
  readonly #from: RepositoryContext;
  readonly #to: RepositoryContext;
  readonly #serverId: string;
  readonly #checked: Set<string>;
  readonly #replaced: string[] = [];
  #packs = 0;
  #bytes = 0n;
  #condemned: Promise<ReadonlySet<string>> | null = null;

  constructor(copy: CopyBackup, from: RepositoryContext, to: RepositoryContext) {
    this.#copy = copy;
    this.#from = from;
    this.#to = to;
    this.#serverId = copy.source.serverId;
    this.#checked = copy.checkedPacks ?? new Set();
  }

  async run(): Promise<CopiedBackup> {
    const { backupId, signal } = this.#copy;
    const manifest = await ManifestObject.open(this.#from, manifestKey(this.#serverId, backupId));
    for (const packId of manifest.packIds) await this.#bringPack(packId);
    const key = manifestKey(this.#serverId, backupId);
    const state = await stateOf(() => checkManifest(this.#to, key));
    if (state === "damaged") {
      // A copy that cannot be read is none, once it is certain that what replaces it can.
      await checkManifest(this.#from, key);
      await assertGivesAll(this.#to, key);
      await this.#to.step("copy:before-remove-manifest");
      await this.#to.store.delete(key);
    }
    if (state !== "whole") {
      await copyManifest(this.#from, this.#to, this.#serverId, backupId, signal).catch(passExisting);
    }
    // A collection that took a paused copy's lease for expired may have removed packs between the two: seen here.
    await this.#assertPacks(manifest.packIds);
    await this.#to.step("copy:before-marks");
    const copiedMarks = await bringMarks(this.#from, this.#to, this.#serverId, backupId);
    await this.#to.step("copy:after-marks");
    return { copiedPacks: this.#packs, copiedBytes: this.#bytes, replacedPacks: this.#replaced, copiedMarks };
  }

  async #bringPack(packId: string): Promise<void> {
    if (this.#checked.has(packId)) return;
    if (this.#copy.signal?.aborted === true) throw new AppError("cancelled", { message: "the copy was cancelled" });
    try {
      await this.#bring(packId);
    } catch (error) {
      throw asPackError(error, packId, this.#from.store.location);
    }
    this.#checked.add(packId);
  }

  async #bring(packId: string): Promise<void> {
    const source = await openSourcePack(this.#from, this.#serverId, packId, this.#copy.signal);
    const present = await openSourcePack(this.#to, this.#serverId, packId, this.#copy.signal).catch(lostAsNull);
    if (present !== "missing" && (await this.#condemnedPacks()).has(packId)) {
      throw condemned(packId, this.#to.store.location);
    }
    if (present !== "missing" && present !== "damaged" && sameFrames(present.directory, source.directory)) return;
    if (present !== "missing") {
      // Nothing is lost: what replaces it was just found whole.
      await checkPack(this.#from, this.#serverId, packId, this.#copy);
      await assertGivesAll(this.#to, packKey(this.#serverId, packId));
      await this.#to.step("copy:before-remove-pack");
      await this.#to.store.delete(packKey(this.#serverId, packId));
      this.#replaced.push(packId);
    }
    this.#bytes += BigInt(await copyPack(source, this.#to, this.#serverId, packId, this.#copy));
    this.#packs++;
  }

  /** Packs that no manifest at the target points into and that may go soon: a collection may be removing them already. */
  #condemnedPacks(): Promise<ReadonlySet<string>> {
    this.#condemned ??= doomedPacks(this.#to, this.#serverId).then(async (doomed) => {
      if (doomed.size === 0) return doomed;
      const used = await readPacksInUse(this.#to, this.#serverId);
      return new Set([...doomed].filter((packId) => !used.has(packId)));
    });
    return this.#condemned;
  }

  async #assertPacks(packIds: readonly string[]): Promise<void> {
    const present = await packSizes(this.#to, this.#serverId);
    const missing = packIds.find((packId) => !present.has(packId));
    if (missing === undefined) return;
    for (const packId of packIds) this.#checked.delete(packId);
    throw new AppError("pack-missing", {
      message: `pack ${missing} was removed from ${this.#to.store.location} while ${this.#copy.backupId} was copied there`,
      hint: "copy it again: what is missing is brought anew",
      context: { packId: missing, backupId: this.#copy.backupId },
    });
  }
}

/**
 * Brings the holds, releases and notes of a backup that is in both places, under the same ids; gives how many were new.
 * What was found out about the source's bytes (verified, damaged) stays there.
 */
export function copyMarks(source: ServerArea, target: ServerArea, backupId: string): Promise<number> {
  return bringMarks(contextOf(source), contextOf(target), source.serverId, backupId);
}

async function bringMarks(
  from: RepositoryContext,
  to: RepositoryContext,
  serverId: string,
  backupId: string,
): Promise<number> {
  const present = new Set((await readMarks(to, serverId, backupId)).map(({ markId }) => markId));
  let count = 0;
  for (const mark of await readMarks(from, serverId, backupId)) {
    if (present.has(mark.markId) || !following.has(mark.kind)) continue;
    const { markId, kind, text, by, at } = mark;
    await to.step("copy:before-mark");
    await putFacts(to, `${marksPrefix(serverId, backupId)}${markId}`, { kind, text, by, at });
    count++;
  }
  return count;
}

const following: ReadonlySet<MarkKind> = new Set(["hold", "release", "note"]);

/** A key that was claimed counts as absent. */
async function stateOf(read: () => Promise<unknown>): Promise<"whole" | "absent" | "damaged"> {
  try {
    await read();
    return "whole";
  } catch (error) {
    if (!isLostManifest(error)) throw error;
    return error.code === "manifest-missing" ? "absent" : "damaged";
  }
}

async function packSizes(context: RepositoryContext, serverId: string): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { key, sizeBytes } of context.store.list(packsPrefix(serverId))) sizes.set(nameOf(key), sizeBytes);
  return sizes;
}

/** Somebody else brought it meanwhile. */
function passExisting(error: unknown): void {
  if (!(error instanceof AppError && error.code === "object-exists")) throw error;
}

function lostAsNull(error: unknown): "missing" | "damaged" {
  if (error instanceof AppError && error.code === "object-missing") return "missing";
  if (error instanceof AppError && error.code === "object-damaged") return "damaged";
  throw error;
}

function condemned(packId: string, location: string): AppError {
  return new AppError("pack-condemned", {
    message: `pack ${packId} lies in ${location} unused, and the next collection there removes it`,
    hint: "nothing was changed; copy again after a collection there, which brings the pack anew",
    context: { packId },
  });
}

function asPackError(error: unknown, packId: string, location: string): unknown {
  if (!(error instanceof AppError)) return error;
  const code =
    error.code === "object-missing" ? "pack-missing" : error.code === "object-damaged" ? "pack-damaged" : null;
  if (code === null) return error;
  return new AppError(code, {
    message: `pack ${packId} cannot be copied from ${location}: ${error.message}`,
    hint: "other backups that do not use it are copied; the next backup stores anew what it held",
    context: { packId },
    cause: error,
  });
}
