import { constants, createZstdCompress, createZstdDecompress, zstdCompressSync, zstdDecompressSync } from "node:zlib";

/**
 * zstd with contexts that are kept. Node's one-shot functions make a context for every call, and with it its tables,
 * which costs as much as compressing a frame of 128 KiB: 380 µs of CPU one-shot, 185 µs kept (level 1, a worker's memory
 * settings, measured 2026-11). What comes out is the same, byte for byte.
 *
 * Node has no public function for this, so its streams' handle is used as its own one-shot functions use it
 * (node:zlib, `processChunkSync`). Where a Node has none that works like that, `null` is answered, and the caller goes
 * the public way: slower and never wrong. `zstd-context.test.ts` fails when that happens on the Node we bring.
 */
export interface ZstdCompressContext {
  /**
   * One whole zstd frame, in a buffer that is valid until the next call, or, for more than some frames' bytes, of its own;
   * null: the public way is to be taken.
   */
  compress(plain: Uint8Array): Uint8Array | null;
}

export interface ZstdDecompressContext {
  /**
   * Decompresses one whole zstd frame into `target`; how many bytes came out. Null when the frame does not fit, is damaged
   * or is not whole, or there is no such context: the public way says which, and why.
   */
  decompress(payload: Uint8Array, target: Uint8Array): number | null;
}

/** The compressor of this thread for a level. The last one asked for is kept. */
export function compressContext(level: number): ZstdCompressContext {
  if (keptCompressor?.level !== level) {
    keptCompressor?.context.close();
    keptCompressor = { level, context: new Compressor(level) };
  }
  return keptCompressor.context;
}

/** Whether these bytes lie in a kept compressor's buffer, which is not its reader's to free. */
export function isKeptOutput(bytes: Uint8Array): boolean {
  return keptCompressor?.context.owns(bytes) === true;
}

/** The decompressor of this thread. */
export function decompressContext(): ZstdDecompressContext {
  keptDecompressor ??= new Decompressor();
  return keptDecompressor;
}

let keptCompressor: { readonly level: number; readonly context: Compressor } | null = null;
let keptDecompressor: Decompressor | null = null;

class Compressor implements ZstdCompressContext {
  readonly #level: number;
  #line: HandleLine | null;
  #output = new Uint8Array(0);

  constructor(level: number) {
    this.#level = level;
    this.#line = compressorLine(level);
  }

  compress(plain: Uint8Array): Uint8Array | null {
    if (this.#line === null || !isProven()) return null;
    const bound = compressBound(plain.length);
    const output = bound > keptOutputBytes ? new Uint8Array(bound) : this.#outputOf(bound);
    const written = this.#line.write(plain, output);
    if (written !== null) return output.subarray(0, written);
    // Half a frame may be left in it.
    this.close();
    this.#line = compressorLine(this.#level);
    return null;
  }

  #outputOf(bound: number): Uint8Array {
    if (this.#output.length < bound) this.#output = new Uint8Array(bound);
    return this.#output;
  }

  owns(bytes: Uint8Array): boolean {
    return bytes.buffer === this.#output.buffer;
  }

  close(): void {
    this.#line?.close();
    this.#line = null;
  }
}

/** More than a frame or a record takes. The index of a manifest may have a hundred times that, once. */
const keptOutputBytes = 1024 * 1024;

class Decompressor implements ZstdDecompressContext {
  #line = decompressorLine();

  decompress(payload: Uint8Array, target: Uint8Array): number | null {
    if (this.#line === null || !isProven()) return null;
    const written = this.#line.write(payload, target);
    if (written === target.length) return written;
    // Whatever it was, nothing of it may be in front of the next frame.
    this.#line.close();
    this.#line = decompressorLine();
    return null;
  }
}

/** ZSTD_compressBound (lib/zstd.h) and a little more: an output of this size never fills up. */
function compressBound(length: number): number {
  return length + (length >> 8) + 1024;
}

/** What Node's zlib streams hold: `_writeState` is [bytes left of the output, bytes left of the input] after a write. */
interface StreamInside {
  readonly _handle?: {
    readonly writeSync?: (
      flush: number,
      input: Uint8Array,
      inputOffset: number,
      inputLength: number,
      output: Uint8Array,
      outputOffset: number,
      outputLength: number,
    ) => void;
  } | null;
  readonly _writeState?: unknown;
}

type ZstdStream = ReturnType<typeof createZstdCompress> | ReturnType<typeof createZstdDecompress>;

/** The handle of one stream, used synchronously. */
class HandleLine {
  readonly #stream: ZstdStream;

  constructor(stream: ZstdStream) {
    this.#stream = stream;
    // Told to the caller by `write`; without a listener the event would end the process.
    stream.on("error", () => undefined);
  }

  /** All of the input as one frame; null when not all was taken, the output is full or the handle failed. */
  write(input: Uint8Array, output: Uint8Array): number | null {
    const { _handle: handle, _writeState: state } = this.#stream as StreamInside;
    if (typeof handle?.writeSync !== "function" || !(state instanceof Uint32Array)) return null;
    handle.writeSync(constants.ZSTD_e_end, input, 0, input.length, output, 0, output.length);
    const [outputLeft = 0, inputLeft = 1] = state;
    if (this.#stream.destroyed || inputLeft !== 0) return null;
    return output.length - outputLeft;
  }

  close(): void {
    this.#stream.destroy();
  }
}

function compressorLine(level: number): HandleLine | null {
  return new HandleLine(createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: level } }));
}

function decompressorLine(): HandleLine | null {
  return new HandleLine(createZstdDecompress());
}

let proof: boolean | null = null;

/** Whether handles of this Node do what is expected of them: tried once a thread, before the first use. */
export function isProven(): boolean {
  proof ??= prove();
  return proof;
}

function prove(): boolean {
  const compressor = compressorLine(1);
  const decompressor = decompressorLine();
  try {
    // Twice each: a context that is kept must begin anew.
    return [1, 2].every((turn) => {
      const plain = new Uint8Array(10_000).map((_, index) => (index * turn) % 251);
      const packed = new Uint8Array(compressBound(plain.length));
      const packedBytes = compressor?.write(plain, packed) ?? 0;
      const payload = packed.subarray(0, packedBytes);
      const opened = new Uint8Array(plain.length);
      return (
        packedBytes > 0 &&
        Buffer.compare(zstdDecompressSync(payload), plain) === 0 &&
        decompressor?.write(zstdCompressSync(plain), opened) === plain.length &&
        Buffer.compare(opened, plain) === 0
      );
    });
  } catch {
    return false;
  } finally {
    compressor?.close();
    decompressor?.close();
  }
}
