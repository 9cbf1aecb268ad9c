import type { Lsn } from "./lsn.ts";

/** One file of a `backup_manifest` (PostgreSQL manual, "Backup Manifest Format"). */
export interface ManifestFile {
  /** Relative to the data directory, in the server's own bytes. */
  readonly path: Uint8Array;
  readonly sizeBytes: number;
  readonly modifiedAt: Date | null;
  readonly checksum: ManifestChecksum | null;
}

export type ManifestChecksum =
  | { readonly algorithm: "CRC32C"; readonly crc32c: number }
  | { readonly algorithm: "SHA224" | "SHA256" | "SHA384" | "SHA512"; readonly hex: string };

/** WAL needed to make the backup consistent; the newest timeline first when the server switched meanwhile. */
export interface ManifestWalRange {
  readonly timeline: number;
  readonly startLsn: Lsn;
  readonly endLsn: Lsn;
}

/** What surrounds the files of a manifest. */
export interface ManifestFacts {
  readonly version: 1 | 2;
  /** Version 2 (17+) only. */
  readonly systemIdentifier: bigint | null;
  readonly walRanges: readonly ManifestWalRange[];
}
