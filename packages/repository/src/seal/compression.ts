import { AppError } from "@tidemark/kit/app-error";

/** How the frames of new backups are compressed. It may change from one backup to the next: each box names its codec. */
export type CompressionSetting =
  /** Level 1 to 19. */
  | { readonly algorithm: "zstd"; readonly level: number }
  /** Level 1 to 9. */
  | { readonly algorithm: "gzip"; readonly level: number }
  | { readonly algorithm: "lz4" }
  | { readonly algorithm: "none" }
  /** The level follows the slower of the store and the processors (`CompressionPilot`). */
  | { readonly algorithm: "auto" };

/** What one box is asked to be compressed with. A box that does not shrink is stored plain whatever was asked. */
export interface BoxCompression {
  readonly codec: BoxCodec;
  /** Of zstd and gzip; 0 for codecs without levels. */
  readonly level: number;
}

/** Their numbers are part of the format (docs/repository-format.md, "Boxes"); 2 and 3 came with version 2. */
export const boxCodecs = { plain: 0, zstd: 1, lz4: 2, gzip: 3 } as const;

export type BoxCodec = keyof typeof boxCodecs;

/** As small as zstd 3 on table data for 60 to 80 % of the time (measured 2026-11). */
export const defaultCompression: CompressionSetting = { algorithm: "zstd", level: 1 };

/** Of everything that is no frame: directories, manifests, facts, key slots. */
export const metadataCompression: BoxCompression = { codec: "zstd", level: 1 };

/**
 * Highest levels: zstd's beyond 19 ("ultra") need more memory to open than a frame is worth; gzip ends at 9. Both
 * begin at 1: zstd's negative levels lose to lz4 on table data.
 */
const highestLevel = { zstd: 19, gzip: 9 } as const;

/** `zstd:3`, `zstd` (level 1), `gzip:6`, `gzip` (level 6), `lz4`, `none` or `auto`. Throws `bad-request`. */
export function parseCompression(text: string): CompressionSetting {
  const [algorithm = "", levelText, ...rest] = text.trim().toLowerCase().split(":");
  if (rest.length === 0) {
    if (algorithm === "lz4" || algorithm === "none" || algorithm === "auto") {
      if (levelText === undefined) return { algorithm };
    } else if (algorithm === "zstd" || algorithm === "gzip") {
      if (levelText === undefined) return { algorithm, level: algorithm === "zstd" ? 1 : 6 };
      const level = /^\d{1,2}$/.test(levelText) ? Number(levelText) : 0;
      if (level >= 1 && level <= highestLevel[algorithm]) return { algorithm, level };
    }
  }
  throw new AppError("bad-request", {
    message: `${JSON.stringify(text)} is no compression Tidemark knows`,
    hint: "use zstd:1 to zstd:19, gzip:1 to gzip:9, lz4, none or auto",
    context: { field: "compression" },
  });
}

/** The text that `parseCompression` reads. */
export function compressionText(setting: CompressionSetting): string {
  return "level" in setting ? `${setting.algorithm}:${setting.level}` : setting.algorithm;
}

/** Throws `bad-request` for a level that the algorithm does not have. */
export function assertCompression(setting: CompressionSetting): CompressionSetting {
  return parseCompression(compressionText(setting));
}
