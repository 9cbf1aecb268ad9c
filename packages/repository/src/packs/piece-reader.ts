import { AppError, combineCrc32c, crc32c } from "@tidemark/kit";
import { frameBytes, pieceBytes } from "../format.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { DirectoryCache } from "./directory-cache.ts";
import { PackFrameSource } from "./frame-source.ts";
import type { PackDirectory } from "./pack-directory.ts";

/**
 * Answers for parts of stored frames: their checksum, from the pack's directory where it says, and their bytes. Throws
 * `pack-missing` or `pack-damaged`, or what the store says when it could not be asked. Memory: directories (24 MiB) and a
 * few opened frames.
 */
export class PieceReader {
  readonly #directories: DirectoryCache;
  readonly #frames: PackFrameSource;
  readonly #signal: AbortSignal | undefined;
  /** Opened frames by pack and index, the last used last. */
  readonly #opened = new Map<string, Uint8Array>();
  /** The frame that was asked about last: a changed page asks for what is before it and behind. */
  readonly #asked = new AskedFrame();
  /** Plain bytes of the frames that were fetched and opened. */
  openedBytes = 0;

  constructor(context: RepositoryContext, serverId: string, signal: AbortSignal | undefined) {
    this.#directories = new DirectoryCache(context, serverId, signal);
    this.#frames = new PackFrameSource(context, serverId);
    this.#signal = signal;
  }

  /** CRC-32C of some bytes of a frame, without reading them where the directory has it. */
  async crcOf(packId: string, frameIndex: number, offsetInFrame: number, lengthBytes: number): Promise<number> {
    const known = this.crcAtHand(packId, frameIndex, offsetInFrame, lengthBytes);
    if (known !== undefined) return known;
    await this.#asPackErrors(packId, () => this.#directories.directory(packId));
    return (
      this.crcAtHand(packId, frameIndex, offsetInFrame, lengthBytes) ??
      crc32c(await this.bytesOf(packId, frameIndex, offsetInFrame, lengthBytes))
    );
  }

  /** A view into the opened frame; valid until the next frame is asked for. */
  async bytesOf(packId: string, frameIndex: number, offsetInFrame: number, lengthBytes: number): Promise<Uint8Array> {
    const frame = await this.#open(packId, frameIndex);
    if (offsetInFrame + lengthBytes > frame.length) {
      throw packDamaged(packId, `frame ${frameIndex} is shorter than the manifest says`);
    }
    return frame.subarray(offsetInFrame, offsetInFrame + lengthBytes);
  }

  /** The same by what is in memory; undefined when that does not tell. */
  crcAtHand(packId: string, frameIndex: number, offsetInFrame: number, lengthBytes: number): number | undefined {
    const asked = this.#asked;
    if (asked.packId !== packId || asked.frameIndex !== frameIndex) {
      const directory = this.#directories.known(packId);
      if (directory === undefined) return undefined;
      asked.load(directory, packId, frameIndex);
    }
    if (offsetInFrame % pieceBytes !== 0) return undefined;
    const end = offsetInFrame + lengthBytes;
    if ((end % pieceBytes !== 0 && end !== asked.plainBytes) || end > asked.plainBytes) return undefined;
    return combinePieces(asked.crcs, offsetInFrame, end);
  }

  async #open(packId: string, frameIndex: number): Promise<Uint8Array> {
    const name = `${packId} ${frameIndex}`;
    const known = this.#opened.get(name);
    if (known !== undefined) {
      this.#opened.delete(name);
      this.#opened.set(name, known);
      return known;
    }
    for await (const frame of this.#frames.readFrames(packId, [frameIndex], this.#signal)) {
      if (frame.kind === "damaged") throw new AppError(frame.code, { message: frame.reason, context: { packId } });
      this.#opened.set(name, frame.plain);
      this.openedBytes += frame.plain.length;
      const oldest = this.#opened.keys().next().value;
      if (this.#opened.size > keptFrames && oldest !== undefined) this.#opened.delete(oldest);
      return frame.plain;
    }
    throw packDamaged(packId, `it gave no frame ${frameIndex}`);
  }

  async #asPackErrors<T>(packId: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code === "object-missing") {
        throw new AppError("pack-missing", { message: `pack ${packId} is missing`, context: { packId }, cause: error });
      }
      throw error.code === "object-damaged" ? packDamaged(packId, error.message, error) : error;
    }
  }
}

/** Frames a file's pieces come from, one of each backup since it was whole; neighbouring windows share them. 4 MiB. */
const keptFrames = 32;

/** The pieces of one frame; made once, since an increment asks about each frame it changes something in. */
class AskedFrame {
  packId = "";
  frameIndex = -1;
  readonly crcs = new Uint32Array(frameBytes / pieceBytes);
  /** 0 where the pieces do not make up the frame: else a mistake of whoever wrote them would go on for ever. */
  plainBytes = 0;

  load(directory: PackDirectory, packId: string, frameIndex: number): void {
    this.packId = packId;
    this.frameIndex = frameIndex;
    this.plainBytes = 0;
    const count = directory.copyPieceCrcs(frameIndex, this.crcs);
    if (count === 0) return;
    const plainBytes = directory.plainBytesOf(frameIndex);
    if (count !== Math.ceil(plainBytes / pieceBytes)) return;
    if (combinePieces(this.crcs, 0, plainBytes) === directory.crcOf(frameIndex)) this.plainBytes = plainBytes;
  }
}

/** The checksum of the bytes from `from` (on the grid) to `to`. */
function combinePieces(pieces: Uint32Array, from: number, to: number): number {
  let crc = 0;
  for (let at = from; at < to; at += pieceBytes) {
    crc = combineCrc32c(crc, pieces[at / pieceBytes] ?? 0, Math.min(pieceBytes, to - at));
  }
  return crc;
}

function packDamaged(packId: string, why: string, cause?: unknown): AppError {
  return new AppError("pack-damaged", {
    message: `pack ${packId} is damaged: ${why}`,
    hint: "take the backup again without it; what it held is then read from the server and stored anew",
    context: { packId },
    cause,
  });
}
