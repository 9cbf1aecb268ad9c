/** How the frames of new backups are compressed. It may change from one backup to the next: each box names its codec. */
export type CompressionSetting =
  /** Level 1 to 19. */
  | { readonly algorithm: "zstd"; readonly level: number }
  /** Level 1 to 9. */
  | { readonly algorithm: "gzip"; readonly level: number }
  | { readonly algorithm: "lz4" }
  | { readonly algorithm: "none" }
  /** The level follows the slower of the store and the processors, from one frame to the next. */
  | { readonly algorithm: "auto" };

/** What one box is asked to be compressed with. A box that does not shrink is stored plain whatever was asked. */
export interface BoxCompression {
  readonly codec: BoxCodec;
  /** Of zstd and gzip; 0 for codecs without levels. */
  readonly level: number;
}

/** Their numbers are part of the format (docs/repository-format.md, "Boxes"). */
export const boxCodecs = { plain: 0, zstd: 1 } as const;

export type BoxCodec = keyof typeof boxCodecs;

/** As small as zstd 3 on table data for 60 to 80 % of the time (measured 2026-11). */
export const defaultCompression: CompressionSetting = { algorithm: "zstd", level: 1 };

/** Of everything that is no frame: directories, manifests, facts, key slots. */
export const metadataCompression: BoxCompression = { codec: "zstd", level: 1 };

/** What frames begin with under a setting. */
export function startingCompression(setting: CompressionSetting): BoxCompression {
  switch (setting.algorithm) {
    case "zstd":
      return { codec: "zstd", level: setting.level };
    case "none":
      return { codec: "plain", level: 0 };
    default:
      return metadataCompression;
  }
}
