import { AppError, joinCleanup } from "@tidemark/kit";
import { putLease } from "../collection/lease.ts";
import type { ManifestHeader } from "../manifests/backup-facts.ts";
import { isLostManifest, ManifestObject } from "../manifests/manifest-object.ts";
import { storedBackup } from "../manifests/manifest-reader.ts";
import { ManifestWriter } from "../manifests/manifest-writer.ts";
import { ParentIndex } from "../manifests/parent-index.ts";
import { PackWriter } from "../packs/pack-writer.ts";
import { assertId, leaseKey, manifestKey, nameOf, packsPrefix } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import type {
  BackupCounts,
  BackupFacts,
  BackupWriter,
  BeginBackup,
  FileWriter,
  NewFile,
  StoredBackup,
} from "../types.ts";
import { CompressionPilot, PipelineMeter } from "./compression-pilot.ts";
import { EntryQueue } from "./entry-queue.ts";
import { FileSlicer, type OpenFileWriter } from "./file-slicer.ts";
import { FrameDispatcher } from "./frame-dispatcher.ts";
import { manifestKeyTaken, revokeManifest } from "./revocation.ts";

/**
 * Writes one backup. States: open → committing → committed, or → aborted from any but committed. Order for the crash:
 * lease, packs, manifest, lease removed; dying anywhere leaves either nothing that is listed or a whole backup.
 */
export class OpenBackupWriter implements BackupWriter {
  readonly #context: RepositoryContext;
  readonly #serverId: string;
  readonly #options: BeginBackup;
  readonly #packs: PackWriter;
  readonly #manifest: ManifestWriter;
  readonly #queue: EntryQueue;
  readonly #dispatcher: FrameDispatcher;
  readonly #slicer: FileSlicer;
  readonly #parent: UsableParent | null;
  #state: "open" | "committing" | "committed" | "aborted" = "open";
  #openFile: OpenFileWriter | null = null;
  #files = 0;
  #plainBytes = 0n;

  private constructor(context: RepositoryContext, serverId: string, options: BeginBackup, parent: UsableParent | null) {
    this.#context = context;
    this.#serverId = serverId;
    this.#options = options;
    this.#parent = parent;
    const { encoder, signal } = options;
    const pilot = new CompressionPilot(context.compression);
    const meter = new PipelineMeter(
      () => context.clock.monotonicMs(),
      (window) => pilot.observe(window),
    );
    this.#packs = new PackWriter(context, serverId, options.backupId, signal, meter);
    this.#manifest = new ManifestWriter(context, serverId, options.backupId);
    this.#queue = new EntryQueue(this.#manifest);
    const sides = { packs: this.#packs, queue: this.#queue, pilot, meter };
    this.#dispatcher = new FrameDispatcher({ context, encoder, ...sides, signal });
    this.#slicer = new FileSlicer({
      dispatcher: this.#dispatcher,
      queue: this.#queue,
      parent: parent?.index ?? null,
      isUsable: (packId) => parent?.packIds.has(packId) === true && options.avoidPackIds?.has(packId) !== true,
    });
  }

  /** Throws `backup-revoked` or `object-exists` for an id that was used, `repository-read-only`. */
  static async begin(context: RepositoryContext, serverId: string, options: BeginBackup): Promise<OpenBackupWriter> {
    assertId(options.backupId, "backup id");
    const key = manifestKey(serverId, options.backupId);
    if ((await context.store.stat(key)) !== null) throw await manifestKeyTaken(context, key, undefined);
    if (!(await context.store.probe()).writable) {
      throw new AppError("repository-read-only", { message: `${context.store.location} cannot be written to` });
    }
    // The lease comes before the parent is read: from here on a collection leaves alone what the parent points to.
    const lease = { leaseId: options.backupId, kind: "backup", madeAt: context.clock.now(), expiresAt: null } as const;
    await context.step("backup:before-lease");
    await putLease(context, serverId, lease);
    await context.step("backup:after-lease");
    try {
      const parent = options.parentId === null ? null : await openParent(context, serverId, options.parentId);
      return new OpenBackupWriter(context, serverId, options, parent);
    } catch (error) {
      throw await joinCleanup(error, () => context.store.delete(leaseKey(serverId, options.backupId)));
    }
  }

  get parentProblem(): string | null {
    return this.#parent?.problem ?? this.#slicer.parentProblem;
  }

  get counts(): BackupCounts {
    return {
      readBytes: this.#slicer.readBytes,
      storedBytes: this.#packs.storedBytes,
      referencedBytes: this.#dispatcher.referencedBytes,
      files: this.#files,
    };
  }

  async addDirectory(entry: { readonly path: Uint8Array; readonly mode: number }): Promise<void> {
    await this.#makeRoom();
    this.#queue.addDirectory(new Uint8Array(entry.path), entry.mode);
    this.#queue.flush();
  }

  async addSymlink(entry: { readonly path: Uint8Array; readonly target: string }): Promise<void> {
    await this.#makeRoom();
    this.#queue.addSymlink(new Uint8Array(entry.path), entry.target);
    this.#queue.flush();
  }

  async addFile(entry: NewFile): Promise<FileWriter> {
    await this.#makeRoom();
    if (entry.sizeBytes < 0n || entry.sizeBytes > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new AppError("bad-request", { message: `a file of ${entry.sizeBytes} bytes cannot be stored` });
    }
    this.#files++;
    this.#plainBytes += entry.sizeBytes;
    this.#openFile = await this.#slicer.begin({ ...entry, path: new Uint8Array(entry.path) });
    return this.#openFile;
  }

  async drain(): Promise<void> {
    this.#assertOpen();
    await this.#drain();
  }

  async commit(facts: BackupFacts): Promise<StoredBackup> {
    this.#assertOpen();
    this.#state = "committing";
    await this.#drain();
    await this.#packs.finish();
    await this.#assertPacksStay();
    const { backupId } = this.#options;
    const parentId = this.parentProblem === null ? this.#options.parentId : null;
    const fileCount = this.#files;
    const counts = this.counts;
    const plainBytes = this.#plainBytes;
    const header: ManifestHeader = {
      backupId,
      serverId: this.#serverId,
      parentId,
      facts,
      counts,
      fileCount,
      plainBytes,
    };
    await this.#putManifest(header);
    this.#state = "committed";
    await this.#manifest.spool.close();
    await this.#context.store.delete(leaseKey(this.#serverId, backupId));
    await this.#context.step("commit:after-lease");
    return storedBackup(header);
  }

  async abort(): Promise<void> {
    if (this.#state === "committed" || this.#state === "aborted") return;
    const mayBeCommitted = this.#state === "committing";
    this.#state = "aborted";
    const { backupId } = this.#options;
    this.#dispatcher.fail(new AppError("cancelled", { message: `backup ${backupId} was given up` }));
    const failures: unknown[] = [];
    const attempt = async (act: () => Promise<unknown>): Promise<void> => {
      try {
        await act();
      } catch (error) {
        failures.push(error);
      }
    };
    await attempt(() => this.#manifest.spool.close());
    await attempt(() => this.#removeOwn(mayBeCommitted));
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, `backup ${backupId} was not removed entirely`);
  }

  /** The manifest may have been put although its put failed: then its key is claimed before anything it needs goes. */
  async #removeOwn(mayBeCommitted: boolean): Promise<void> {
    const { backupId } = this.#options;
    await this.#context.step("abort:before-revoke");
    if (mayBeCommitted && (await revokeManifest(this.#context, this.#serverId, backupId)) === "committed") return;
    await this.#context.step("abort:before-packs");
    await this.#packs.removeAll();
    await this.#context.step("abort:before-lease");
    await this.#context.store.delete(leaseKey(this.#serverId, backupId));
  }

  async #putManifest(header: ManifestHeader): Promise<void> {
    const { signal } = this.#options;
    await this.#context.step("manifest:before-put");
    this.#dispatcher.throwFailure();
    try {
      await this.#context.store.put(
        this.#manifest.key,
        this.#manifest.finish(header),
        signal === undefined ? {} : { signal },
      );
    } catch (error) {
      if (!(error instanceof AppError && error.code === "object-exists")) throw error;
      throw await manifestKeyTaken(this.#context, this.#manifest.key, error);
    }
    await this.#context.step("manifest:after-put");
  }

  async #drain(): Promise<void> {
    if (this.#openFile?.isEnded === false) {
      throw new AppError("internal", { message: "a file of the backup was begun and not ended" });
    }
    await this.#slicer.flushBundle();
    await this.#dispatcher.drain();
    this.#queue.flush();
    if (this.#queue.length > 0) throw new AppError("internal", { message: "entries of the backup were not finished" });
    await this.#manifest.spool.settle();
  }

  /** Before each entry: nothing failed, the last file was ended, and not too many entries wait for their frames. */
  async #makeRoom(): Promise<void> {
    this.#assertOpen();
    this.#dispatcher.throwFailure();
    if (this.#openFile?.isEnded === false) {
      throw new AppError("internal", { message: "the file before was not ended" });
    }
    await this.#manifest.spool.settle();
    if (this.#queue.length < waitingEntries) return;
    await this.#slicer.flushBundle();
    while (this.#queue.length >= waitingEntries) {
      await this.#queue.nextFlush();
      this.#dispatcher.throwFailure();
    }
  }

  #assertOpen(): void {
    if (this.#state === "open") return;
    throw new AppError("internal", { message: `backup ${this.#options.backupId} is ${this.#state} already` });
  }

  /** A collection that took this run for dead may have removed what is referenced: seen here, before it is promised. */
  async #assertPacksStay(): Promise<void> {
    const referenced = new Set([...this.#manifest.packIds].filter((packId) => !this.#packs.wrote(packId)));
    if (referenced.size === 0) return;
    for await (const { key } of this.#context.store.list(packsPrefix(this.#serverId))) referenced.delete(nameOf(key));
    const [missing] = referenced;
    if (missing === undefined) return;
    throw new AppError("pack-missing", {
      message: `pack ${missing}, which this backup refers to, was removed meanwhile`,
      hint: "take the backup again; it will store what is missing",
      context: { packId: missing, missing: referenced.size },
    });
  }
}

/** Entries that may wait for the frames of one before them. */
const waitingEntries = 4096;

interface UsableParent {
  readonly index: ParentIndex | null;
  readonly problem: string | null;
  /** Packs that are there now; what a lost pack held is stored again. */
  readonly packIds: ReadonlySet<string>;
}

async function openParent(context: RepositoryContext, serverId: string, parentId: string): Promise<UsableParent> {
  assertId(parentId, "backup id");
  const packIds = new Set<string>();
  for await (const { key } of context.store.list(packsPrefix(serverId))) packIds.add(nameOf(key));
  try {
    const manifest = await ManifestObject.open(context, manifestKey(serverId, parentId));
    return { index: await ParentIndex.build(manifest), packIds, problem: null };
  } catch (error) {
    if (!isLostManifest(error)) throw error;
    return { index: null, packIds, problem: error.message };
  }
}
