import type { PartLook } from "#ui/share-bar.tsx";
import type { BackupBytes } from "./backup-bytes-fields.ts";

export interface BytePart {
  readonly name: string;
  readonly words: string;
  readonly look: PartLook;
  readonly bytes: string;
  /** 0 to 1. */
  readonly share: number;
}

/** The parts a backup's bytes consist of; their sizes add up to the whole. Those that are nothing are left out. */
export function bytePartsOf(sizes: NonNullable<BackupBytes["sizes"]>): readonly BytePart[] {
  const parts = [
    ["New", "Stored for the first time by this backup.", "solid", sizes.newBytes],
    ["Known", "Read from the server, and found to be stored already.", "tint", sizes.referencedBytes],
    ["Carried over", "Unchanged since an earlier backup: not even read.", "stripes", sizes.carriedBytes],
    ["Zeros", "Nothing but zeros, which take no room.", "empty", sizes.zeroBytes],
  ] as const;
  return parts
    .filter(([, , , bytes]) => bytes !== "0")
    .map(([name, words, look, bytes]) => ({ name, words, look, bytes, share: shareOf(bytes, sizes.totalBytes) }));
}

export function shareOf(bytes: string, total: string): number {
  return BigInt(total) === 0n ? 0 : Number((BigInt(bytes) * 1_000_000n) / BigInt(total)) / 1_000_000;
}

/** `12.3 %`: never rounded up to all of it, nor down to nothing. */
export function shareText(share: number): string {
  if (share > 0 && share < 0.001) return "under 0.1 %";
  return `${Math.floor(share * 1000) / 10} %`;
}

/** Why so much was read of the server, as a sentence; null: not known. */
export function readingSentence(reading: BackupBytes["reading"]): string | null {
  if (reading === null) return null;
  if (reading.kind === "INCREMENTAL")
    return "Only what changed since an earlier backup was read; the rest was carried over.";
  return reading.reason === null
    ? "Everything was read: there was no backup to build on."
    : `Everything was read, because ${reading.reason}.`;
}
