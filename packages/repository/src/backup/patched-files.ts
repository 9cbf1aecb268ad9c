import { AppError } from "@tidemark/kit";
import type { ParentFile } from "../manifests/parent-file.ts";
import { PieceReader } from "../packs/piece-reader.ts";
import type { RepositoryContext } from "../repository-context.ts";
import type { BeginBackup, PatchedFile } from "../types.ts";
import { Carrier, notCarriable } from "./carrier.ts";
import type { EntryQueue } from "./entry-queue.ts";
import type { FileSlicer } from "./file-slicer.ts";
import type { UsableParent } from "./open-parent.ts";
import { PatchedFileWriter } from "./patched-file-writer.ts";

export interface PatchedFilesParts {
  readonly context: RepositoryContext;
  readonly serverId: string;
  readonly options: BeginBackup;
  readonly slicer: FileSlicer;
  readonly queue: EntryQueue;
  readonly parent: UsableParent | null;
}

/** Which files of the parent can be patched, and the writers that do it. */
export class PatchedFiles {
  readonly #parts: PatchedFilesParts;
  readonly #carrier: Carrier;

  constructor(parts: PatchedFilesParts) {
    this.#parts = parts;
    const { context, serverId, options, slicer, parent } = parts;
    this.#carrier = new Carrier({
      slicer,
      pieces: new PieceReader(context, serverId, options.signal),
      isEvacuated: (packId) => options.evacuatePackIds?.has(packId) === true,
      assertCarriable: (packId) => {
        if (parent?.isUsable(packId) === true) return;
        throw notCarriable(packId, parent?.packIds.has(packId) === true ? "pack-damaged" : "pack-missing");
      },
    });
  }

  get carriedBytes(): number {
    return this.#carrier.carriedBytes;
  }

  /** The parent's file when it consists of whole blocks and all it consists of can be carried. */
  async find(path: Uint8Array): Promise<ParentFile | null> {
    const { slicer, parent } = this.#parts;
    const file = await slicer.parentFile(path);
    if (file === null || parent === null || file.sizeBytes % parent.blockSize !== 0) return null;
    if (parent.lostPackNumbers.size === 0) return file;
    // The walk is used up by looking; only where packs were lost.
    return (await file.touches(parent.lostPackNumbers)) ? null : slicer.parentFile(path);
  }

  async begin(patch: PatchedFile): Promise<PatchedFileWriter> {
    const { slicer, queue, parent } = this.#parts;
    assertPatch(patch);
    const file = await this.find(patch.path);
    const loss = parent?.problem ?? slicer.parentLoss;
    if (file === null && loss !== null) throw loss;
    if (file === null) throw badPatch(patch, "the parent does not have it in whole blocks, or not all of it is there");
    return new PatchedFileWriter({ slicer, carrier: this.#carrier, file: queue.addFile(patch), patch, parent: file });
  }
}

function assertPatch(patch: PatchedFile): void {
  const { blockSize, changedBlocks, sizeBytes, zerosFrom } = patch;
  const isPowerOfTwo = blockSize >= 512 && blockSize <= 65_536 && (blockSize & (blockSize - 1)) === 0;
  if (!isPowerOfTwo) throw badPatch(patch, `there are no blocks of ${blockSize} bytes`);
  if (sizeBytes < 0n || sizeBytes > BigInt(Number.MAX_SAFE_INTEGER) || sizeBytes % BigInt(blockSize) !== 0n) {
    throw badPatch(patch, `${sizeBytes} bytes are no whole number of blocks`);
  }
  if (zerosFrom !== null && zerosFrom < 0n) throw badPatch(patch, "its limit is below zero");
  let before = -1;
  for (const block of changedBlocks) {
    if (block <= before) throw badPatch(patch, `block ${block} comes behind block ${before}`);
    before = block;
  }
  if ((before + 1) * blockSize > Number(sizeBytes)) throw badPatch(patch, `block ${before} is beyond its end`);
}

function badPatch(patch: PatchedFile, why: string): AppError {
  const name = Buffer.from(patch.path).toString();
  return new AppError("bad-request", { message: `${name} cannot be patched: ${why}`, context: { path: name } });
}
