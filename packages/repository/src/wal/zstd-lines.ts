import type { TransformOptions } from "node:stream";
import { constants, createZstdCompress, type ZstdOptions } from "node:zlib";
import { releaseBytes } from "../bytes/release-bytes.ts";
import { walBlockBytes } from "../format.ts";

/**
 * Compresses blocks of WAL in libuv's threads, some at a time, in the order in which they come: where one receiver is behind,
 * both processors of a small machine are at it. A worker thread for that took 25 MiB, and the messages to it as long as
 * these calls do (5 ms a segment, measured 2026-11).
 */
export class ZstdLines {
  readonly #waiting: Waiting[] = [];
  readonly #lines: Line[] = Array.from({ length: linesTogether }, () => new Line());

  /**
   * Gives `done` one whole zstd frame, the same as in a thread's own context, or null: it would not be smaller. `plain` must
   * stay as it is until then, and the frame is to be used at once: its memory goes when the next ones come. `done` must not
   * throw. No promises: several for each block took as long as the block's guard.
   */
  compress(plain: Uint8Array, level: number, done: Compressed): void {
    const line = this.#lines.find(({ isBusy }) => !isBusy);
    if (line === undefined) this.#waiting.push({ plain, level, done });
    else this.#begin(line, { plain, level, done });
  }

  #begin(line: Line, { plain, level, done }: Waiting): void {
    line.compress(plain, level, (error, packed) => {
      // The line goes on first: a thread is to have no moment without work.
      const next = this.#waiting.shift();
      if (next !== undefined) this.#begin(line, next);
      done(error, packed !== null && packed.length < plain.length ? packed : null);
      // One that lay in two chunks, for which the stream made a buffer of its own.
      if (packed !== null) releaseBytes(packed);
    });
  }
}

type Compressed = (error: unknown, packed: Uint8Array | null) => void;

interface Waiting {
  readonly plain: Uint8Array;
  readonly level: number;
  readonly done: Compressed;
}

/**
 * The thread that hands blocks over is busy with others for as long as one takes,
 * and with two lines both waited for it (a fifth longer, measured 2026-11). libuv has four threads: one is left to write and sync.
 */
const linesTogether = 3;

/** A context that is kept, with its tables; each write gives one frame, since it flushes as the end of one. */
class Line {
  isBusy = false;
  #stream: ReturnType<typeof createZstdCompress> | null = null;
  #level = 0;
  /** Which the stream filled with some frames, one behind the other, and lets go when it is full. */
  #chunk: Uint8Array | null = null;

  compress(plain: Uint8Array, level: number, done: Compressed): void {
    this.isBusy = true;
    const stream = this.#streamOf(level);
    stream.write(plain, (failure) => {
      this.isBusy = false;
      // All that there is, in one piece.
      const packed: Uint8Array | null = failure == null ? stream.read() : null;
      if (packed === null) {
        // Half a frame may be left in it.
        this.#forget();
        done(failure ?? new Error("zstd gave nothing for a block of WAL"), null);
        return;
      }
      this.#releaseBefore(packed);
      done(null, packed);
    });
  }

  #streamOf(level: number): ReturnType<typeof createZstdCompress> {
    if (this.#stream !== null && this.#level === level) return this.#stream;
    this.#forget();
    this.#level = level;
    const options: ZstdOptions & Pick<TransformOptions, "readableHighWaterMark"> = {
      params: { [constants.ZSTD_c_compressionLevel]: level },
      flush: constants.ZSTD_e_end,
      chunkSize: outputBytes,
      // More than a frame can have: a write is called back before anything is read.
      readableHighWaterMark: 2 * outputBytes,
    };
    this.#stream = createZstdCompress(options);
    // Told by `write`; without a listener the event would end the process.
    this.#stream.on("error", () => undefined);
    return this.#stream;
  }

  /** The collector would find full chunks late: they are a hundred times what it counts of them. */
  #releaseBefore(packed: Uint8Array): void {
    // A frame that lies in two chunks comes in a buffer of its own.
    if (packed.buffer.byteLength !== outputBytes || packed.buffer === this.#chunk?.buffer) return;
    if (this.#chunk !== null) releaseBytes(this.#chunk);
    this.#chunk = new Uint8Array(packed.buffer);
  }

  #forget(): void {
    this.#stream?.destroy();
    this.#stream = null;
    this.#chunk = null;
  }
}

/**
 * Four times a block. A frame that may not fit into what is left is copied once more, in zstd: 25 ms of processor time for
 * a segment instead of 28 with twice a block, 24 with eight times (measured 2026-11).
 */
const outputBytes = 4 * walBlockBytes;
