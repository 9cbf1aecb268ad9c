import { formatShares } from "@tidemark/kit/units";
import type { PartLook } from "#ui/share-bar.tsx";
import type { BackupBytes } from "./backup-bytes-fields.ts";

export interface BytePart {
  readonly name: string;
  readonly words: string;
  readonly look: PartLook;
  readonly bytes: string;
  /** 0 to 1. */
  readonly share: number;
  /** As they are printed, those of all parts add up to 100 %. */
  readonly shareText: string;
}

/** The parts a backup's bytes consist of; their sizes add up to the whole. Those that are nothing are left out. */
export function bytePartsOf(sizes: NonNullable<BackupBytes["sizes"]>): readonly BytePart[] {
  const parts = [
    ["New", "Stored for the first time by this backup.", "solid", sizes.newBytes],
    ["Known", "Read from the server, and found to be stored already.", "tint", sizes.referencedBytes],
    ["Carried over", "Unchanged since an earlier backup: not even read.", "stripes", sizes.carriedBytes],
    ["Zeros", "Nothing but zeros, which take no room.", "empty", sizes.zeroBytes],
  ] as const;
  const shown = parts.filter(([, , , bytes]) => bytes !== "0");
  const shares = formatShares(shown.map(([, , , bytes]) => BigInt(bytes)));
  return shown.map(([name, words, look, bytes], index) => ({
    name,
    words,
    look,
    bytes,
    share: Number(bytes) / Number(sizes.totalBytes),
    shareText: shares[index] ?? "",
  }));
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
