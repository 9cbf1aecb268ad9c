import { AppError } from "@tidemark/kit";
import { frameBytes } from "../format.ts";
import type { FrameExtent, ParentFile } from "../manifests/parent-file.ts";
import type { PieceReader } from "../packs/piece-reader.ts";
import type { PendingFile } from "./entry-queue.ts";
import type { FileSlicer } from "./file-slicer.ts";
import { nameOf } from "./open-file-writer.ts";

export interface CarrierParts {
  readonly slicer: FileSlicer;
  readonly pieces: PieceReader;
  /** Throws `pack-missing` or `pack-damaged` for a pack that nothing may be carried from. */
  readonly assertCarriable: (packId: string) => void;
  /** Whether the pack shall become empty: what it holds is copied instead of referenced. */
  readonly isEvacuated: (packId: string) => boolean;
}

/** Brings what the parent has of a file into the new one, without its bytes where that is possible. */
export class Carrier {
  /** Plain bytes that were referenced without being read. */
  carriedBytes = 0;
  readonly #parts: CarrierParts;
  #added = 0;

  constructor(parts: CarrierParts) {
    this.#parts = parts;
  }

  /** The parent's bytes from `from` to `to`, which it must have. To be called in ascending order. */
  async carry(file: PendingFile, parent: ParentFile, from: number, to: number): Promise<void> {
    const { slicer } = this.#parts;
    for (let at = from; at < to; ) {
      const extent = await parent.extentAt(at);
      if (extent === null) throw endsEarly(file);
      const begin = Number(extent.fileOffset);
      const end = Math.min(to, begin + Number(extent.lengthBytes));
      if (extent.kind === "zeros") slicer.addZeros(file, at, end - at);
      else await this.#carryRun(file, extent, at, end);
      at = end;
      if (++this.#added % runsBetweenLooks === 0) await slicer.makeRoomForRuns();
    }
  }

  /**
   * Puts the parent's bytes of this stretch into `target` instead of referring to them, where they would fall into too many
   * pieces: `false` when they do not, or when enough was fetched. The parent must have all of it. As `carry` to be called
   * in ascending order.
   *
   * What is whole in the parent stays where it is, however much of it changes: a restore opens its frame and the one of what
   * changed. To fetch it would take an increment of 10 % after a full more time and more room (1.0 of 2.7 s of CPU and 10 of
   * 31 MiB, measured 2026-11) than all it is for; the next change of the stretch finds it in pieces and mends it.
   */
  async gather(parent: ParentFile, from: number, changed: readonly BlockRun[], target: Uint8Array): Promise<boolean> {
    const to = from + target.length;
    const extents = await parent.ahead(from, to);
    const runs = extents.filter((extent): extent is FrameExtent => extent.kind === "frame");
    if (runs.length < 2) return false;
    // A changed run cuts at most one run in two.
    if (runs.length + 2 * changed.length <= windowPieces) return false;
    const pieces = runs.flatMap((extent) =>
      unchangedPieces(extent, from, to, changed).map((piece) => ({ ...piece, extent })),
    );
    if (pieces.length + changed.length <= windowPieces) return false;
    if (this.#parts.pieces.openedBytes > this.#parts.slicer.readBytes + gatherAllowance) return false;
    target.fill(0);
    for (const { extent, begin, end } of pieces) {
      this.#parts.assertCarriable(extent.packId);
      const offsetInFrame = extent.offsetInFrame + begin - Number(extent.fileOffset);
      const bytes = await this.#parts.pieces.bytesOf(extent.packId, extent.frameIndex, offsetInFrame, end - begin);
      target.set(bytes, begin - from);
    }
    return true;
  }

  async #carryRun(file: PendingFile, extent: FrameExtent, from: number, to: number): Promise<void> {
    this.#parts.assertCarriable(extent.packId);
    const skipped = from - Number(extent.fileOffset);
    const lengthBytes = to - from;
    if (this.#parts.isEvacuated(extent.packId)) return this.#copy(file, extent, skipped, lengthBytes);
    this.carriedBytes += lengthBytes;
    // Whole, it keeps its fingerprint: a later stream of this place can still be found unchanged.
    if (lengthBytes === extent.lengthBytes) return this.#parts.slicer.addRun(file, extent);
    const { packId, frameIndex } = extent;
    const offsetInFrame = extent.offsetInFrame + skipped;
    const crc32c = await this.#parts.pieces.crcOf(packId, frameIndex, offsetInFrame, lengthBytes);
    const fileOffset = BigInt(from);
    const place = { packId, frameIndex, offsetInFrame };
    this.#parts.slicer.addRun(file, { kind: "frame", fileOffset, lengthBytes, ...place, crc32c, fingerprint: null });
  }

  /** Stores anew what lies in a pack that shall become empty. The frame was checked when it was opened. */
  async #copy(file: PendingFile, extent: FrameExtent, skipped: number, lengthBytes: number): Promise<void> {
    const { slicer, pieces } = this.#parts;
    const { packId, frameIndex, offsetInFrame } = extent;
    const bytes = await pieces.bytesOf(packId, frameIndex, offsetInFrame + skipped, lengthBytes);
    const part = { fileOffset: Number(extent.fileOffset) + skipped, parent: null, isCopied: true };
    if (lengthBytes === frameBytes) {
      const buffer = slicer.takeBuffer();
      buffer.set(bytes);
      return slicer.addFrame(file, buffer, part);
    }
    const space = await slicer.bundleSpace(lengthBytes);
    space.set(bytes);
    slicer.addToBundle(file, space, part);
  }
}

/** Changed blocks that follow each other, as bytes of the file. */
export interface BlockRun {
  readonly begin: number;
  readonly end: number;
}

/**
 * Most pieces that a stretch of 128 KiB (16 pages) may be put together from. A restore reads each frame once and writes
 * each piece for itself, so what counts is the mean length of a run: eight pieces make it 16 KiB at least, which is where
 * writing runs one by one still costs less than opening their frames (0.3 ms a frame, 10 µs a write). A window reaches
 * eight pieces after some four scattered changes, so of a table that changes everywhere a quarter of the windows is stored
 * anew with each backup at most, and none of one that changes here and there.
 */
export const windowPieces = 8;

/** So much is fetched for gathering, and beyond it as much as the server sent: it never becomes what takes the time. */
const gatherAllowance = 16 * 1024 * 1024;

/** What of an extent lies within the stretch and is not replaced. */
function unchangedPieces(extent: FrameExtent, from: number, to: number, changed: readonly BlockRun[]): BlockRun[] {
  const pieces: BlockRun[] = [];
  let at = Math.max(from, Number(extent.fileOffset));
  const end = Math.min(to, Number(extent.fileOffset) + extent.lengthBytes);
  for (const run of changed) {
    if (run.end <= at) continue;
    if (run.begin >= end) break;
    if (run.begin > at) pieces.push({ begin: at, end: run.begin });
    at = run.end;
  }
  if (at < end) pieces.push({ begin: at, end });
  return pieces;
}

/** How often it is looked whether too many runs wait. */
const runsBetweenLooks = 1024;

function endsEarly(file: PendingFile): AppError {
  return new AppError("manifest-damaged", {
    message: `the parent's manifest does not have all of ${nameOf(file)}`,
    hint: "take a backup of everything; it does not need the parent",
  });
}

/** What `CarrierParts.assertCarriable` throws for a pack that is not there, or was found damaged before. */
export function notCarriable(packId: string, code: "pack-missing" | "pack-damaged"): AppError {
  return new AppError(code, {
    message: `pack ${packId} is ${code === "pack-missing" ? "missing" : "damaged"} and holds what was to be carried over`,
    hint: "ask the server for the whole file, or take a backup of everything",
    context: { packId },
  });
}
