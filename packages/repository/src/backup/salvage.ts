import { AppError } from "@tidemark/kit";
import { doomedPacks } from "../collection/collection-pass.ts";
import { inParallel, storeRequests } from "../collection/in-parallel.ts";
import { packsWrittenBy } from "../collection/interrupted.ts";
import { sameFingerprint } from "../packs/frame-kernel.ts";
import { type DirectoryEntry, type PackDirectory, readDirectory } from "../packs/pack-directory.ts";
import { packKey } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { getRange } from "../seal/object-trailer.ts";
import type { FrameOutcome } from "../types.ts";
import type { StoredFramePlace } from "./frame-dispatcher.ts";
import { FrameTable } from "./frame-table.ts";
import { readClaim, revokeManifest } from "./revocation.ts";

export interface SalvageOptions {
  /** The backup that is about to be written. */
  readonly backupId: string;
  /** Interrupted backups, whose keys are claimed: from here on they cannot be committed, nor remove what they stored. */
  readonly salvageFrom: readonly string[];
  /** Whether frames of a pack may be referenced. */
  readonly isUsable: (packId: string) => boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * The frames that interrupted backups had stored. A frame about to be stored is looked up by fingerprint, and the bytes of
 * the one found are fetched, opened and compared before it stands for it. What cannot be read is stored anew.
 *
 * Memory: 16 bytes for each frame at most, of 4 million at most (64 MiB for 512 GiB of files), some directories, and the
 * few ranges that were read ahead: a backup taken again mostly comes in the order of the first try.
 */
export class Salvage {
  foundFrames = 0;
  foundBytes = 0;
  readonly #context: RepositoryContext;
  readonly #serverId: string;
  readonly #signal: AbortSignal | undefined;
  readonly #packIds: readonly string[];
  readonly #table: FrameTable;
  readonly #directories = new Map<number, Promise<PackDirectory | null>>();
  #ranges: StoredRange[] = [];

  private constructor(
    context: RepositoryContext,
    serverId: string,
    signal: AbortSignal | undefined,
    packIds: readonly string[],
    table: FrameTable,
  ) {
    this.#context = context;
    this.#serverId = serverId;
    this.#signal = signal;
    this.#packIds = packIds;
    this.#table = table;
  }

  /** Null when nothing of them is there. The caller holds a lease already, so that nothing of it goes meanwhile. */
  static async open(context: RepositoryContext, serverId: string, options: SalvageOptions): Promise<Salvage | null> {
    const deadIds: string[] = [];
    for (const deadId of options.salvageFrom) {
      if (deadId !== options.backupId && (await takeOver(context, serverId, deadId, options.backupId)))
        deadIds.push(deadId);
    }
    if (deadIds.length === 0) return null;
    const doomed = await doomedPacks(context, serverId);
    const packs = (await packsWrittenBy(context, serverId, new Set(deadIds)))
      .map(({ packId }) => packId)
      .filter((packId) => !doomed.has(packId) && options.isUsable(packId))
      .slice(0, FrameTable.maxPacks);
    if (packs.length === 0) return null;
    const table = new FrameTable();
    await inParallel([...packs.entries()], storeRequests, async ([packNumber, packId]) => {
      const directory = await openDirectory(context, packKey(serverId, packId), options.signal);
      for (let index = 0; index < (directory?.frameCount ?? 0); index++) {
        const entry = directory?.entry(index);
        if (entry !== undefined) table.add(entry.fingerprint, packNumber, index);
      }
    });
    return new Salvage(context, serverId, options.signal, packs, table);
  }

  /** See `FrameSalvage`. */
  async find(frame: Extract<FrameOutcome, { kind: "encoded" }>, plain: Uint8Array): Promise<StoredFramePlace | null> {
    for (const { packNumber, frameIndex } of this.#table.find(frame.fingerprint)) {
      const packId = this.#packIds[packNumber] ?? "";
      const directory = await this.#directory(packNumber, packId);
      const entry = directory?.entry(frameIndex);
      if (directory === null || entry === undefined || !describes(entry, frame)) continue;
      const stored = await this.#read(packNumber, packId, directory, frameIndex, entry);
      if (stored === null) continue;
      const sealing = directory.seal.part("frame", entry.number);
      const { plainBytes, crc32c } = entry;
      const opened = await this.#context.openers.open({ stored, sealing, plainBytes, crc32c });
      if (opened.kind !== "plain" || Buffer.compare(opened.plain, plain) !== 0) continue;
      this.foundFrames++;
      this.foundBytes += plainBytes;
      return { packId, frameIndex };
    }
    return null;
  }

  #directory(packNumber: number, packId: string): Promise<PackDirectory | null> {
    const known = this.#directories.get(packNumber);
    if (known !== undefined) return known;
    const loaded = openDirectory(this.#context, packKey(this.#serverId, packId), this.#signal);
    this.#directories.set(packNumber, loaded);
    const oldest = this.#directories.keys().next().value;
    if (this.#directories.size > keptDirectories && oldest !== undefined) this.#directories.delete(oldest);
    return loaded;
  }

  /** The stored bytes of a frame, in a buffer of their own; those behind it are read with it. */
  async #read(
    packNumber: number,
    packId: string,
    directory: PackDirectory,
    frameIndex: number,
    { offset, storedBytes }: DirectoryEntry,
  ): Promise<Uint8Array | null> {
    const end = offset + storedBytes;
    let range = this.#ranges.find((one) => one.packNumber === packNumber && one.offset <= offset && end <= one.end);
    if (range === undefined) {
      const rangeEnd = endOfRange(directory, frameIndex, offset);
      const bytes = orNothing(
        getRange(this.#context.store, packKey(this.#serverId, packId), offset, rangeEnd - offset, this.#signal),
      );
      range = { packNumber, offset, end: rangeEnd, bytes };
      this.#ranges = [range, ...this.#ranges].slice(0, keptRanges);
    }
    const bytes = await range.bytes;
    return bytes === null ? null : bytes.slice(offset - range.offset, end - range.offset);
  }
}

interface StoredRange {
  readonly packNumber: number;
  readonly offset: number;
  readonly end: number;
  readonly bytes: Promise<Uint8Array | null>;
}

const keptDirectories = 16;
const keptRanges = 4;
/** Read at once; a frame of table data takes about 40 KiB. */
const rangeBytes = 2 * 1024 * 1024;

/**
 * False when the backup exists after all, or its own writer is about to remove what it stored. Only the one who claimed the
 * key may remove or use the packs, so a writer that was paused finds out here that its packs have got another owner.
 */
async function takeOver(context: RepositoryContext, serverId: string, deadId: string, by: string): Promise<boolean> {
  await context.step("salvage:before-claim");
  const claim = await revokeManifest(context, serverId, deadId, by);
  if (claim === "claimed") return true;
  return claim === "claimed-before" && (await readClaim(context, serverId, deadId)) !== "writer";
}

function describes(entry: DirectoryEntry, frame: Extract<FrameOutcome, { kind: "encoded" }>): boolean {
  const sameNumbers = entry.plainBytes === frame.plainBytes && entry.crc32c === frame.crc32c;
  return sameNumbers && sameFingerprint(entry.fingerprint, frame.fingerprint);
}

/** Frames lie in the order of their index, one behind the other. */
function endOfRange(directory: PackDirectory, frameIndex: number, offset: number): number {
  let end = offset;
  for (let index = frameIndex; ; index++) {
    const entry = directory.entry(index);
    if (entry === undefined || entry.offset !== end) return end;
    if (end > offset && end + entry.storedBytes - offset > rangeBytes) return end;
    end += entry.storedBytes;
  }
}

function openDirectory(
  context: RepositoryContext,
  key: string,
  signal: AbortSignal | undefined,
): Promise<PackDirectory | null> {
  return orNothing(readDirectory(context, key, signal));
}

/** What is lost is stored anew; what could not be asked is thrown. */
async function orNothing<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof AppError && (error.code === "object-missing" || error.code === "object-damaged")) return null;
    throw error;
  }
}
