import type { ErrorCode } from "@tidemark/kit";

/** What all parts of one object are sealed with (`partSealing`). Structured-cloneable. */
export interface PartSeals {
  readonly key: Uint8Array | null;
  readonly place: string;
  /** `guardKey` of every part, in an object of version 3 that is not encrypted. */
  readonly guardKey?: Uint8Array;
  /** `guardKey` of the boxes of WAL, in an older one. */
  readonly walGuardKey?: Uint8Array;
}

/** Opens stored frames: fetched with coalesced ranged reads, checked (tag or hash, then CRC), decompressed off the main thread. */
export interface FrameSource {
  /** The plain bytes of each wanted frame, each fetched once, grouped by pack. Damage is reported per frame, not thrown. */
  readFrames(packId: string, frameIndexes: readonly number[], signal?: AbortSignal): AsyncIterable<OpenedFrame>;
  /**
   * The same frames as they are stored, in the coalesced ranges they are fetched in, for a caller that opens them in
   * threads of its own (`FrameOpener`). `frameIndexes` null: every frame of the pack.
   */
  readStored(packId: string, frameIndexes: readonly number[] | null, signal?: AbortSignal): AsyncIterable<StoredRange>;
  /**
   * As `readStored`, but where the store keeps its objects as files of this machine, a range only says where it lies: the
   * threads read it themselves (`RangeReader`). What they cannot read is asked for once more with `readStored`, which
   * knows why, and where else to ask.
   */
  locateStored(
    packId: string,
    frameIndexes: readonly number[] | null,
    signal?: AbortSignal,
  ): AsyncIterable<StoredRange | LocatedRange>;
  /** What a pack's directory says of its frames; damage is a value. */
  describePack(packId: string, signal?: AbortSignal): Promise<PackDescription>;
}

/** A piece of a pack with the frames that lie in it. */
export type StoredRange =
  | (FramesOfRange & { readonly kind: "stored"; readonly bytes: Uint8Array<ArrayBuffer> })
  | {
      readonly kind: "damaged";
      /** Empty when not even the directory could be read and all frames were asked for. */
      readonly frameIndexes: readonly number[];
      readonly code: "pack-missing" | "pack-damaged";
      readonly reason: string;
    };

/** A piece of a pack that is not read yet. */
export interface LocatedRange extends FramesOfRange {
  readonly kind: "located";
  readonly file: FileRange;
}

/** Some bytes of a file of this machine. */
export interface FileRange {
  readonly path: string;
  readonly offset: number;
  readonly lengthBytes: number;
}

export interface FramesOfRange {
  readonly seals: PartSeals;
  readonly frames: readonly StoredFrame[];
}

/** One frame within the bytes of a range, with what is needed to open it. Structured-cloneable. */
export interface StoredFrame {
  readonly frameIndex: number;
  /** Where it begins in the range, and how long it is there. */
  readonly at: number;
  readonly storedBytes: number;
  /** The number it was sealed with, as a part of kind `frame`. */
  readonly number: number;
  readonly plainBytes: number;
  readonly crc32c: number;
}

export type PackDescription =
  | {
      readonly kind: "known";
      /** By frame index. */
      readonly plainBytes: Uint32Array;
      readonly crc32c: Uint32Array;
      readonly storedBytes: Uint32Array;
    }
  | { readonly kind: "damaged"; readonly code: "pack-missing" | "pack-damaged"; readonly reason: string };

export type OpenedFrame =
  | { readonly kind: "plain"; readonly frameIndex: number; readonly plain: Uint8Array; readonly crc32c: number }
  | { readonly kind: "damaged"; readonly frameIndex: number; readonly code: ErrorCode; readonly reason: string };
