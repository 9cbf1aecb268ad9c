import { AppError, joinCleanup } from "@tidemark/kit";
import { type HeldLease, holdLease } from "../collection/lease-keeper.ts";
import type { ManifestHeader } from "../manifests/backup-facts.ts";
import { storedBackup } from "../manifests/manifest-reader.ts";
import { ManifestWriter } from "../manifests/manifest-writer.ts";
import { PackWriter } from "../packs/pack-writer.ts";
import { assertId, manifestKey } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import type {
  BackupCounts,
  BackupFacts,
  BackupWriter,
  BeginBackup,
  FileWriter,
  NewFile,
  ParentExtents,
  PatchedFile,
  StoredBackup,
  WholeFileWriter,
} from "../types.ts";
import { assertManifestStays, assertPacksStay, confirmManifest } from "./commit-guard.ts";
import { CompressionPilot, PipelineMeter } from "./compression-pilot.ts";
import { EntryQueue } from "./entry-queue.ts";
import { FileSlicer } from "./file-slicer.ts";
import { FrameDispatcher } from "./frame-dispatcher.ts";
import { isBundled, OpenFileWriter } from "./open-file-writer.ts";
import { openParent, type UsableParent } from "./open-parent.ts";
import { PatchedFiles } from "./patched-files.ts";
import { giveUpClaim, manifestKeyTaken, revokeManifest } from "./revocation.ts";
import { Salvage } from "./salvage.ts";

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
  readonly #begun: BegunBackup;
  #state: "open" | "committing" | "committed" | "aborted" = "open";
  readonly #patched: PatchedFiles;
  /** The manifest's put was begun: it may be there, whatever the store said. */
  #manifestPut = false;
  #openFile: (FileWriter & { readonly isEnded: boolean }) | null = null;
  #sentBytes: number | null = null;
  #files = 0;
  #plainBytes = 0n;

  private constructor(context: RepositoryContext, serverId: string, options: BeginBackup, begun: BegunBackup) {
    const { parent, salvage } = begun;
    this.#begun = begun;
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
    this.#dispatcher = new FrameDispatcher({
      context,
      encoder,
      ...sides,
      signal,
      salvage: salvage === null ? null : (frame, plain) => salvage.find(frame, plain),
    });
    this.#slicer = new FileSlicer({
      dispatcher: this.#dispatcher,
      queue: this.#queue,
      parent: parent?.index ?? null,
      isUsable: (packId) => parent?.isUsable(packId) === true && options.evacuatePackIds?.has(packId) !== true,
    });
    this.#patched = new PatchedFiles({
      context,
      serverId,
      options,
      slicer: this.#slicer,
      queue: this.#queue,
      parent,
    });
  }

  /** Throws `backup-revoked` or `object-exists` for an id that was used, `repository-read-only`. */
  static async begin(context: RepositoryContext, serverId: string, options: BeginBackup): Promise<OpenBackupWriter> {
    assertId(options.backupId, "backup id");
    const key = manifestKey(serverId, options.backupId);
    if ((await context.store.stat(key)) !== null) throw await manifestKeyTaken(context, key, undefined);
    const { writable, exclusiveCreate } = await context.store.probe();
    if (!writable) {
      throw new AppError("repository-read-only", { message: `${context.store.location} cannot be written to` });
    }
    // The lease comes before the parent is read: from here on a collection leaves alone what the parent points to.
    await context.step("backup:before-lease");
    const lease = await holdLease(context, serverId, { kind: "backup", backupId: options.backupId });
    await context.step("backup:after-lease");
    try {
      const parent = options.parentId === null ? null : await openParent(context, serverId, options.parentId, options);
      const salvage = await openSalvage(context, serverId, options);
      return new OpenBackupWriter(context, serverId, options, { parent, lease, salvage, exclusiveCreate });
    } catch (error) {
      throw await joinCleanup(error, () => lease.release());
    }
  }

  get parentProblem(): string | null {
    return this.#parent?.problem?.message ?? this.#slicer.parentLoss?.message ?? null;
  }

  get salvagedBytes(): bigint {
    return BigInt(this.#begun.salvage?.foundBytes ?? 0);
  }

  get counts(): BackupCounts {
    return {
      readBytes: BigInt(this.#slicer.readBytes),
      storedBytes: this.#packs.storedBytes,
      referencedBytes: BigInt(this.#dispatcher.referencedBytes),
      files: this.#files,
      newBytes: BigInt(this.#dispatcher.newBytes),
      zeroBytes: BigInt(this.#slicer.zeroBytes + this.#dispatcher.zeroBytes),
      carriedBytes: BigInt(this.#patched.carriedBytes),
      sentBytes: this.#sentBytes === null ? null : BigInt(this.#sentBytes),
      runs: this.#manifest.runs,
      smallRuns: this.#manifest.smallRuns,
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

  readsFile(sizeBytes: number): boolean {
    return this.#slicer.readsFiles && !isBundled(sizeBytes);
  }

  async addFile(entry: NewFile): Promise<WholeFileWriter> {
    await this.#makeRoom();
    if (entry.sizeBytes < 0n || entry.sizeBytes > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new AppError("bad-request", { message: `a file of ${entry.sizeBytes} bytes cannot be stored` });
    }
    const file = { ...entry, path: new Uint8Array(entry.path) };
    const parent = await this.#slicer.parentFile(file.path);
    this.#count(file);
    const writer = new OpenFileWriter(this.#slicer, this.#queue.addFile(file), Number(file.sizeBytes), parent);
    this.#openFile = writer;
    return writer;
  }

  async parentFile(path: Uint8Array): Promise<{ readonly sizeBytes: bigint } | null> {
    const parent = await this.#patched.find(path);
    return parent === null ? null : { sizeBytes: BigInt(parent.sizeBytes) };
  }

  async parentExtents(path: Uint8Array): Promise<ParentExtents | null> {
    const parent = await this.#slicer.parentFile(path);
    return parent === null ? null : { extentAt: (fileOffset) => this.#slicer.parentExtent(parent, fileOffset) };
  }

  async addPatchedFile(entry: PatchedFile): Promise<FileWriter> {
    await this.#makeRoom();
    const file = { ...entry, path: new Uint8Array(entry.path) };
    const writer = await this.#patched.begin(file);
    this.#count(file);
    this.#openFile = writer;
    return writer;
  }

  addSentBytes(bytes: number): void {
    this.#sentBytes = (this.#sentBytes ?? 0) + bytes;
  }

  #count(file: NewFile): void {
    this.#files++;
    this.#plainBytes += file.sizeBytes;
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
    await assertPacksStay(this.#context, this.#serverId, this.#manifest.packIds);
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
    await this.#begun.lease.release();
    await this.#context.step("commit:after-lease");
    return storedBackup(header);
  }

  async abort(): Promise<void> {
    if (this.#state === "committed" || this.#state === "aborted") return;
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
    await attempt(() => this.#removeOwn());
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, `backup ${backupId} was not removed entirely`);
  }

  /**
   * The key is claimed before anything goes: the manifest may have been put although its put failed, and a later backup may
   * have taken over what this one stored. Who does not hold the claim leaves everything to the collection.
   */
  async #removeOwn(): Promise<void> {
    const { backupId } = this.#options;
    await this.#context.step("abort:before-revoke");
    const claim = await revokeManifest(this.#context, this.#serverId, backupId, "writer");
    if (claim === "claimed") {
      await this.#context.step("abort:before-packs");
      await this.#packs.removeAll();
      await this.#context.step("abort:before-unclaim");
      // A put that was given up may still arrive, so after one the key stays claimed for ever.
      if (!this.#manifestPut) await giveUpClaim(this.#context, this.#serverId, backupId);
    }
    await this.#context.step("abort:before-lease");
    await this.#begun.lease.release();
  }

  async #putManifest(header: ManifestHeader): Promise<void> {
    const { signal } = this.#options;
    await this.#context.step("manifest:before-put");
    this.#dispatcher.throwFailure();
    this.#manifestPut = true;
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
    await assertManifestStays(this.#context, this.#serverId, this.#options.backupId);
    if (!this.#begun.exclusiveCreate) {
      await confirmManifest(this.#context, this.#serverId, this.#options.backupId, this.#manifest.packIds);
    }
    await this.#context.step("manifest:after-put");
  }

  async #drain(): Promise<void> {
    if (this.#openFile?.isEnded === false) {
      throw new AppError("internal", { message: "a file of the backup was begun and not ended" });
    }
    await this.#slicer.flushBundles();
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
    await this.#slicer.hasten();
    if (this.#queue.length < waitingEntries) return;
    await this.#slicer.flushBundles();
    while (this.#queue.length >= waitingEntries) {
      await this.#queue.nextFlush();
      this.#dispatcher.throwFailure();
    }
  }

  #assertOpen(): void {
    if (this.#state === "open") return;
    throw new AppError("internal", { message: `backup ${this.#options.backupId} is ${this.#state} already` });
  }
}

/** What a writer holds from its beginning. */
interface BegunBackup {
  readonly parent: UsableParent | null;
  readonly lease: HeldLease;
  readonly salvage: Salvage | null;
  readonly exclusiveCreate: boolean;
}

/** Under the writer's lease: from here on nothing goes that an interrupted backup left. */
async function openSalvage(
  context: RepositoryContext,
  serverId: string,
  options: BeginBackup,
): Promise<Salvage | null> {
  const { backupId, salvageFrom = [], avoidPackIds, evacuatePackIds, signal } = options;
  const isUsable = (packId: string): boolean =>
    avoidPackIds?.has(packId) !== true && evacuatePackIds?.has(packId) !== true;
  return Salvage.open(context, serverId, { backupId, salvageFrom, isUsable, signal });
}

/** Entries that may wait for the frames of one before them. */
const waitingEntries = 4096;
