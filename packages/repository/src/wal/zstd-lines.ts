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
   * One whole zstd frame, the same as in a thread's own context; null: it would not be smaller. `plain` must stay as it is
   * until then, and the frame is to be used at once: its memory goes when the next ones come.
   */
  compress(plain: Uint8Array, level: number): Promise<Uint8Array | null> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | null>();
    this.#waiting.push({ plain, level, resolve, reject });
    for (const line of this.#lines) if (!line.isBusy) void this.#work(line);
    return promise;
  }

  /** Busy from the first block to the last, without a moment between two: a line takes one at a time. */
  async #work(line: Line): Promise<void> {
    line.isBusy = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const { plain, level, resolve, reject } = next;
      try {
        const packed = await line.compress(plain, level);
        resolve(packed.length < plain.length ? packed : null);
      } catch (error) {
        reject(error);
      }
    }
    line.isBusy = false;
  }
}

interface Waiting {
  readonly plain: Uint8Array;
  readonly level: number;
  readonly resolve: (packed: Uint8Array | null) => void;
  readonly reject: (error: unknown) => void;
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

  async compress(plain: Uint8Array, level: number): Promise<Uint8Array> {
    try {
      return await this.#write(this.#streamOf(level), plain);
    } catch (error) {
      // Half a frame may be left in it.
      this.#forget();
      throw error;
    }
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

  #write(stream: ReturnType<typeof createZstdCompress>, plain: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      stream.write(plain, (error) => {
        if (error !== null && error !== undefined) return reject(error);
        // All that there is, in one piece.
        const packed: Uint8Array | null = stream.read();
        if (packed === null) return reject(new Error("zstd gave nothing for a block of WAL"));
        this.#releaseBefore(packed);
        resolve(packed);
      });
    });
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

/** Twice a block, so that most frames come out in one piece. */
const outputBytes = 2 * walBlockBytes;
