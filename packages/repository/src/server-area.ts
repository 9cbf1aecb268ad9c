import { AppError } from "@tidemark/kit";
import { OpenBackupWriter } from "./backup/backup-writer.ts";
import type { AreaUsage } from "./collection/area-usage.ts";
import { executeCollection, planCollection, usageOf } from "./collection/collection.ts";
import { doomedPacks, latestPass } from "./collection/collection-pass.ts";
import { findInterrupted, type InterruptedBackup, type InterruptedQuestion } from "./collection/interrupted.ts";
import { listLeases, takeCensus } from "./collection/lease.ts";
import { isHeld, putMark, readMarks, removeEarlierMarks } from "./collection/mark.ts";
import { holdPacks, type PackHold } from "./collection/pack-hold.ts";
import {
  type PackVerification,
  putVerification,
  readVerifications,
  type VerificationFact,
} from "./collection/verification.ts";
import { ManifestObject, readManifestBeginning } from "./manifests/manifest-object.ts";
import { damagedBackup, OpenedManifest, storedBackup } from "./manifests/manifest-reader.ts";
import { PackFrameSource } from "./packs/frame-source.ts";
import { packWriters } from "./packs/pack-writers.ts";
import { assertId, backupsPrefix, healingKey, manifestKey, marksPrefix, nameOf } from "./paths.ts";
import type { RepositoryContext } from "./repository-context.ts";
import type {
  BackupWriter,
  BeginBackup,
  CollectionOptions,
  CollectionPlan,
  CollectionReport,
  FrameSource,
  ManifestReader,
  Mark,
  NewMark,
  ServerArea,
  StoredBackup,
} from "./types.ts";
import { OpenedWalArchive, walIdentifiers } from "./wal/opened-wal-archive.ts";
import type { WalArchive } from "./wal/wal-archive.ts";

/** The part of a repository that belongs to one server. */
export class OpenedServerArea implements ServerArea {
  readonly serverId: string;
  readonly #context: RepositoryContext;

  constructor(context: RepositoryContext, serverId: string) {
    assertId(serverId, "server id");
    this.serverId = serverId;
    this.#context = context;
  }

  /** For acts between two repositories, which need more than an area shows. */
  static contextOf(area: ServerArea): RepositoryContext {
    if (area instanceof OpenedServerArea) return area.#context;
    throw new AppError("bad-request", { message: "this is not the area of an opened repository" });
  }

  async listBackups(): Promise<readonly StoredBackup[]> {
    const backups: StoredBackup[] = [];
    for await (const { key } of this.#context.store.list(backupsPrefix(this.serverId))) {
      const backup = await this.#readListed(key);
      if (backup !== null) backups.push(backup);
    }
    // Ids sort by creation; a damaged manifest has no other time.
    return backups.sort((a, b) => startOf(a) - startOf(b) || (a.backupId < b.backupId ? -1 : 1));
  }

  /** Null: revoked, or deleted since it was listed. */
  async #readListed(key: string): Promise<StoredBackup | null> {
    try {
      const beginning = await readManifestBeginning(this.#context, key);
      return beginning.kind === "revoked" ? null : withoutConfiguration(storedBackup(beginning.header));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code === "manifest-missing") return null;
      if (error.code !== "manifest-damaged") throw error;
      return damagedBackup(this.serverId, nameOf(key), error.message);
    }
  }

  async openManifest(backupId: string): Promise<ManifestReader> {
    assertId(backupId, "backup id");
    return new OpenedManifest(await ManifestObject.open(this.#context, manifestKey(this.serverId, backupId)));
  }

  beginBackup(options: BeginBackup): Promise<BackupWriter> {
    return OpenBackupWriter.begin(this.#context, this.serverId, options);
  }

  marks(backupId: string): Promise<readonly Mark[]> {
    return readMarks(this.#context, this.serverId, backupId);
  }

  async addMark(backupId: string, mark: NewMark): Promise<Mark> {
    const put = await putMark(this.#context, this.serverId, backupId, mark);
    if (put.kind === "verified") await removeEarlierMarks(this.#context, this.serverId, backupId, put);
    return put;
  }

  frames(): FrameSource {
    return new PackFrameSource(this.#context, this.serverId);
  }

  async deleteBackup(backupId: string): Promise<void> {
    const marks = await this.marks(backupId);
    if (isHeld(marks)) {
      throw new AppError("backup-held", {
        message: `backup ${backupId} is held and will not be deleted`,
        hint: "release the hold first; nothing was changed",
        context: { serverId: this.serverId, backupId },
      });
    }
    const key = manifestKey(this.serverId, backupId);
    // Or the next healing would bring it back.
    await this.#context.store.delete(healingKey(this.serverId, backupId));
    await this.#context.step("delete:before-manifest");
    // Manifest first: from here on the backup does not exist, whatever of it is still there. A revoked key stays claimed.
    if (await this.#holdsManifest(key)) await this.#context.store.delete(key);
    await this.#context.step("delete:after-manifest");
    for (const { markId } of marks) {
      await this.#context.step("delete:before-mark");
      await this.#context.store.delete(`${marksPrefix(this.serverId, backupId)}${markId}`);
    }
    await this.#context.step("delete:after-marks");
  }

  async #holdsManifest(key: string): Promise<boolean> {
    try {
      return (await readManifestBeginning(this.#context, key)).kind === "manifest";
    } catch (error) {
      if (error instanceof AppError && error.code === "manifest-missing") return false;
      if (error instanceof AppError && error.code === "manifest-damaged") return true;
      throw error;
    }
  }

  planCollection(options: CollectionOptions): Promise<CollectionPlan> {
    return planCollection(this.#context, this.serverId, options);
  }

  executeCollection(plan: CollectionPlan, signal?: AbortSignal): Promise<CollectionReport> {
    return executeCollection(this.#context, this.serverId, plan, signal);
  }

  usage(): Promise<AreaUsage> {
    return usageOf(this.#context, this.serverId);
  }

  async plannedEvacuation(): Promise<ReadonlySet<string>> {
    return new Set((await latestPass(this.#context, this.serverId))?.evacuate);
  }

  interruptedBackups(question: InterruptedQuestion): Promise<readonly InterruptedBackup[]> {
    return findInterrupted(this.#context, this.serverId, question);
  }

  holdPacks(kind: "reader" | "copy"): Promise<PackHold> {
    return holdPacks(this.#context, this.serverId, kind);
  }

  verifications(): Promise<readonly PackVerification[]> {
    return readVerifications(this.#context, this.serverId);
  }

  addVerification(fact: VerificationFact): Promise<void> {
    return putVerification(this.#context, this.serverId, fact);
  }

  async isBeingRead(): Promise<boolean> {
    const leases = await listLeases(this.#context, this.serverId);
    return takeCensus(leases, this.#context.clock.now()).inForce.length > 0;
  }

  doomedPacks(): Promise<ReadonlySet<string>> {
    return doomedPacks(this.#context, this.serverId);
  }

  packWriters(packIds: Iterable<string>): Promise<ReadonlyMap<string, string | null>> {
    return packWriters(this.#context, this.serverId, packIds);
  }

  wal(systemIdentifier: bigint): WalArchive {
    return new OpenedWalArchive(this.#context, this.serverId, systemIdentifier);
  }

  walIdentifiers(): Promise<readonly bigint[]> {
    return walIdentifiers(this.#context, this.serverId);
  }
}

export const contextOf = OpenedServerArea.contextOf;

/** Whoever lists a thousand backups does not want a thousand configurations in memory; `openManifest` gives one. */
function withoutConfiguration(backup: StoredBackup): StoredBackup {
  return backup.facts === null
    ? backup
    : { ...backup, facts: { ...backup.facts, configuration: null, youngPages: null } };
}

function startOf(backup: StoredBackup): number {
  return backup.facts?.startedAt.getTime() ?? 0;
}
