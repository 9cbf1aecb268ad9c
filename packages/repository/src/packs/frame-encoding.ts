import type { BoxCompression } from "../seal/compression.ts";
import type { PartSeals } from "./frame-reading.ts";

/** What one frame is asked to become. Runs in a worker thread. */
export interface FrameJob {
  /**
   * The bytes of all parts, one after another, or room for them when the encoder is to read them: the beginning of a
   * `FrameMemory`, which is the encoder's until the outcome is there. It may move parts up when it leaves some out.
   */
  readonly plain: Uint8Array;
  /** Whence the encoder reads the frame's only part, at its offset in the file; only for one with a `readDepth`. */
  readonly read?: FrameRead;
  /** One part for a frame of a large file; several for a bundle of small files. */
  readonly parts: readonly FramePart[];
  readonly sealing: FrameSealing | FrameNumber;
  /** 8 bytes. */
  readonly fingerprintSeed: Uint8Array;
  readonly compression: BoxCompression;
}

/**
 * What the encoder makes a frame's sealing of. Frames of a pack have the same `seals`, which a message that holds several
 * of them holds once.
 */
export interface FrameNumber {
  readonly seals: PartSeals;
  readonly number: number;
}

export interface FrameRead {
  /** A file descriptor of this process; open until the outcome is there. */
  readonly fd: number;
}

export interface FramePart {
  readonly lengthBytes: number;
  /** Where in its file the part begins. */
  readonly fileOffset: number;
  /** Fingerprint of the parent's run at the same place; equal means: leave the part out, it is referenced. */
  readonly parentFingerprint: Uint8Array | null;
  readonly inspect: unknown;
}

/** How a frame is closed: AES-256-GCM, or, without a key (repository not encrypted), a guard of additional data and bytes. */
export interface FrameSealing {
  readonly key: Uint8Array | null;
  readonly nonce: Uint8Array;
  readonly additionalData: Uint8Array;
  /** Without a key, what the guard is made with: a GMAC under this one, which is no secret. Without either it is a hash. */
  readonly guardKey?: Uint8Array;
}

/**
 * `unchanged`: every part equals the parent's, nothing is stored. `zeros`: what the encoder read is nothing else, and there
 * is no outcome of parts. `encoded`: `stored` holds the parts that changed, in order.
 */
export type FrameOutcome = (
  | { readonly kind: "unchanged" | "zeros" }
  | {
      readonly kind: "encoded";
      /** May lie in the memory of the job's plain bytes: valid until that is used again. */
      readonly stored: Uint8Array;
      /** Of the frame's plain bytes, that is, of the changed parts together. */
      readonly plainBytes: number;
      readonly crc32c: number;
      readonly fingerprint: Uint8Array;
      /** CRC-32C of each 8192 bytes of the plain bytes, the last may be shorter; empty when a part begins off that grid. */
      readonly pieceCrcs: Uint32Array;
    }
) & { readonly parts: readonly PartOutcome[] };

export interface PartOutcome {
  readonly unchanged: boolean;
  readonly crc32c: number;
  readonly fingerprint: Uint8Array;
  readonly findings: readonly unknown[];
}

/**
 * Looks at the plain bytes of a part inside the worker thread and reports what it finds (page checksums, for example).
 * `readAgain`, for bytes the thread read from a file itself, gives what the same place holds now, fewer bytes where the
 * file has become shorter; the inspector may then put it into `bytes`.
 */
export type FrameInspector = (
  bytes: Uint8Array,
  inspect: unknown,
  fileOffset: number,
  readAgain?: () => Uint8Array,
) => readonly unknown[];

/**
 * Turns plain frames into stored ones, several at a time, off the main thread. The repository brings the kernel
 * (`encodeFrame`) and a pool; the engine brings a worker script that also checks page checksums.
 */
export interface FrameEncoder {
  /** How many frames may be in flight; `BackupWriter.write` waits beyond that. */
  readonly pipelineDepth: number;
  /** As `pipelineDepth`, for jobs with `read`; missing for an encoder that takes none. */
  readonly readDepth?: number;
  /** Lets up to so many of its threads start now: loading their modules takes longer than a small backup. */
  start?(threads: number): void;
  encode(job: FrameJob): Promise<FrameOutcome>;
  close(): Promise<void>;
}
