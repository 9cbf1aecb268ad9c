import { AppError } from "@tidemark/kit";

/** How a cluster cuts its relations: into blocks, and into files of so many blocks (`relseg_size`). */
export interface RelationLayout {
  /** 8,192 in every usual build. */
  readonly blockSize: number;
  /** 131,072 in every usual build. */
  readonly blocksPerSegment: number;
}

/** What stands before the blocks of an `INCREMENTAL.<name>` file. */
export interface IncrementalHeader {
  /** Ascending numbers, within the file, of the blocks that follow. */
  readonly blocks: Uint32Array;
  /** How many blocks the whole file has at least: below that, a block that does not follow is the older backup's. */
  readonly truncationBlocks: number;
}

/**
 * Reads the header of one `INCREMENTAL.<name>` file piece by piece (src/backend/backup/basebackup.c, sendFile; numbers in
 * the server's byte order, of which we serve the little-endian one):
 *
 * u32 magic · u32 count of blocks · u32 truncation block length · u32 block number each, ascending within the file ·
 * zeros up to a multiple of the block size, unless the count is 0.
 *
 * No I/O, and no memory beyond the block numbers of one segment (512 KiB): a count that does not fit the file's size is
 * refused before anything is allocated for it.
 */
export class IncrementalHeaderReader {
  readonly #layout: RelationLayout;
  readonly #sizeBytes: number;
  readonly #fixed = new Uint8Array(fixedBytes);
  #read = 0;
  #headerBytes = fixedBytes;
  #truncationBlocks = 0;
  #numbers: Uint8Array = new Uint8Array(0);

  /**
   * For a file announced with `sizeBytes`.
   *
   * @throws AppError `backup-stream-damaged` when it cannot even hold a header.
   */
  constructor(sizeBytes: number, layout: RelationLayout) {
    this.#layout = layout;
    this.#sizeBytes = sizeBytes;
    if (sizeBytes < fixedBytes) throw damaged(`it has ${sizeBytes} bytes, too few for its header`);
  }

  /**
   * Takes the next bytes and gives how many of them belong to the header; the rest are blocks.
   *
   * @throws AppError `backup-stream-damaged` for anything a server would not have written.
   */
  push(chunk: Uint8Array): number {
    let at = 0;
    while (at < chunk.length && !this.isComplete) {
      const from = this.#read;
      const until = from < fixedBytes ? fixedBytes : this.#headerBytes;
      const piece = chunk.subarray(at, at + until - from);
      this.#take(piece, from);
      this.#read += piece.length;
      at += piece.length;
      if (this.#read === fixedBytes) this.#readFixed();
    }
    return at;
  }

  get isComplete(): boolean {
    return this.#read >= fixedBytes && this.#read === this.#headerBytes;
  }

  /** Once it is complete. */
  header(): IncrementalHeader {
    const { blocksPerSegment } = this.#layout;
    const view = new DataView(this.#numbers.buffer);
    const blocks = new Uint32Array(this.#numbers.length / 4);
    let previous = -1;
    for (let index = 0; index < blocks.length; index++) {
      const block = view.getUint32(index * 4, true);
      if (block <= previous) throw damaged("its block numbers do not ascend");
      if (block >= blocksPerSegment) throw damaged(`it names block ${block}, which no file of a relation has`);
      blocks[index] = block;
      previous = block;
    }
    return { blocks, truncationBlocks: this.#truncationBlocks };
  }

  #take(piece: Uint8Array, from: number): void {
    if (from < fixedBytes) {
      this.#fixed.set(piece, from);
      return;
    }
    const numbers = piece.subarray(0, Math.max(0, fixedBytes + this.#numbers.length - from));
    if (numbers.length > 0) this.#numbers.set(numbers, from - fixedBytes);
    for (let index = numbers.length; index < piece.length; index++) {
      if (piece[index] !== 0) throw damaged("the gap behind its block numbers is not zeros");
    }
  }

  #readFixed(): void {
    const { blockSize, blocksPerSegment } = this.#layout;
    const view = new DataView(this.#fixed.buffer);
    if (view.getUint32(0, true) !== incrementalMagic) throw damaged("it does not begin as one");
    const count = view.getUint32(4, true);
    if (count > blocksPerSegment) throw damaged(`it announces ${count} blocks, more than a file of a relation has`);
    const numbered = fixedBytes + count * 4;
    this.#headerBytes = count === 0 ? numbered : Math.ceil(numbered / blockSize) * blockSize;
    const expected = this.#headerBytes + count * blockSize;
    if (expected !== this.#sizeBytes) {
      throw damaged(`it has ${this.#sizeBytes} bytes, where ${count} blocks take ${expected}`);
    }
    // Up to 17.7 and 18.1 the server gave a length beyond the segment after a truncation of a relation above 1 GB
    // (release notes of 17.8 and 18.2): that segment is full, then.
    this.#truncationBlocks = Math.min(view.getUint32(8, true), blocksPerSegment);
    this.#numbers = new Uint8Array(count * 4);
  }
}

/** INCREMENTAL_MAGIC of src/include/backup/basebackup_incremental.h. */
export const incrementalMagic = 0xd3ae1f0d;
/** Magic, count and truncation length. */
const fixedBytes = 12;

function damaged(why: string): AppError {
  return new AppError("backup-stream-damaged", {
    message: `a file the server sent as an increment cannot be read: ${why}`,
    hint: "nothing of it was kept",
  });
}
