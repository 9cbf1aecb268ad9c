import type { BackupCounts, BackupFacts, StoredBackup } from "./stored-backup.ts";

export interface ManifestReader {
  readonly backup: StoredBackup & { readonly facts: BackupFacts; readonly counts: BackupCounts };
  /** Directories, links and files in the order they were written; streamed, so a manifest may be larger than memory. */
  entries(): AsyncIterable<ManifestEntry>;
  /**
   * As `entries`, with a file's extents in rows of numbers instead of an object for each: for whoever goes over all of them, of which
   * a fragmented backup has millions.
   */
  rows(): AsyncIterable<ManifestRows>;
  /** The files without their extents, in the order of `entries`: many times cheaper than that. */
  files(): AsyncIterable<ManifestFileSummary>;
  /** Packs this manifest points into. */
  packIds(): Promise<ReadonlySet<string>>;
  /**
   * Which frames of each pack this manifest refers to: bit i of byte i >> 3 stands for frame i, trailing zero bytes are cut.
   * In the index of a manifest of format 2; computed from the extents of one of format 1.
   */
  frameUse(): Promise<ReadonlyMap<string, Uint8Array>>;
}

export type ManifestEntry = ManifestFolderOrLink | ManifestFile;
export type ManifestRows = ManifestFolderOrLink | ManifestFileRows;

export type ManifestFolderOrLink =
  | { readonly kind: "directory"; readonly path: Uint8Array; readonly mode: number }
  | { readonly kind: "symlink"; readonly path: Uint8Array; readonly target: string };

export interface ManifestFile {
  readonly kind: "file";
  readonly path: Uint8Array;
  readonly mode: number;
  readonly sizeBytes: bigint;
  readonly modifiedAt: Date;
  /** CRC-32C of the whole file. */
  readonly crc32c: number;
  readonly extents: readonly Extent[];
}

/** A file with its extents, in the file's order and without holes, as `ManifestReader.rows` gives them. */
export interface ManifestFileRows extends Omit<ManifestFile, "extents"> {
  /** Valid until the next entry is asked for: the rows are used again. */
  readonly extents: ExtentRows;
}

/** Extents by their number. What is said of a pack and a frame holds for runs alone, not for zeros. */
export interface ExtentRows {
  readonly count: number;
  isZeros(index: number): boolean;
  /** Where in the file it begins, and where the next one does. */
  beginOf(index: number): number;
  endOf(index: number): number;
  packIdOf(index: number): string;
  frameIndexOf(index: number): number;
  offsetInFrameOf(index: number): number;
  /** CRC-32C of the run's bytes. */
  crcOf(index: number): number;
}

/** What `ManifestReader.files` says of a file. */
export interface ManifestFileSummary {
  readonly path: Uint8Array;
  readonly mode: number;
  readonly sizeBytes: bigint;
  readonly modifiedAt: Date;
  readonly crc32c: number;
  /** Runs of stored bytes, zeros not counted. */
  readonly runs: number;
  /** Runs under 32 KiB in a file over 64 KiB; 0 in smaller files. The files with the largest share are the most fragmented. */
  readonly smallRuns: number;
}

/** A run of a file's bytes: in a frame of a pack, or zeros. Extents follow each other without holes. */
export type Extent =
  | {
      readonly kind: "frame";
      readonly fileOffset: bigint;
      readonly lengthBytes: number;
      readonly packId: string;
      readonly frameIndex: number;
      /** Where in the frame's plain bytes the run begins (bundles of small files share a frame). */
      readonly offsetInFrame: number;
      /** CRC-32C of this run's bytes. */
      readonly crc32c: number;
      /**
       * XXH3-128 of this run's bytes with the repository's seed: tells the next backup whether the same place is unchanged.
       * Null for a piece of an older run: its bytes were not at hand when it was cut.
       */
      readonly fingerprint: Uint8Array | null;
    }
  | { readonly kind: "zeros"; readonly fileOffset: bigint; readonly lengthBytes: bigint };
