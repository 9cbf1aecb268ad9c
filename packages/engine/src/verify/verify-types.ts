/**
 * How deep a verification looks. `metadata`: every run points into an existing frame of an existing pack, and the
 * checksums of manifests and directories agree; no data is read. `stored`: the stored bytes of each frame are those that
 * were stored (tag or hash). `whole`: each frame is opened, and its bytes, every run and every page have the checksums
 * they shall have.
 */
export type VerifyTier = "metadata" | "stored" | "whole";

/** A share of the packs, the same ones each time: `of` verifications with `part` 1 to `of` see every pack. */
export interface VerifySubset {
  readonly part: number;
  readonly of: number;
}

export type VerifyProblemCode =
  | "manifest-damaged"
  | "frame-missing"
  | "frame-damaged"
  | "run-checksum"
  | "file-checksum"
  | "file-layout"
  | "page-checksum";

/** One thing that is wrong, and exactly where. */
export interface VerifyProblem {
  readonly code: VerifyProblemCode;
  /** Null when the manifest itself is wrong. */
  readonly path: string | null;
  /** Block numbers within the file (8 KiB each in the usual build); empty when it concerns no blocks. */
  readonly blocks: readonly number[];
  readonly packId: string | null;
  /** Every backup of the server that is hit, oldest first. */
  readonly backupIds: readonly string[];
  readonly sentence: string;
}

export interface VerifyReport {
  readonly tier: VerifyTier;
  readonly subset: VerifySubset | null;
  readonly backupIds: readonly string[];
  readonly ok: boolean;
  readonly checkedFiles: number;
  /** Plain bytes (`whole`), stored bytes (`stored`); 0 where no data is read. */
  readonly checkedBytes: bigint;
  readonly checkedPacks: number;
  /** At most 1,000 are listed; `problemCount` is the truth. */
  readonly problems: readonly VerifyProblem[];
  readonly problemCount: number;
  /** Pages the server itself sent with a wrong checksum; they were stored faithfully and are no damage of the repository. */
  readonly suspectPageCount: number;
  /** Every backup that is hit by a problem, oldest first. */
  readonly hitBackupIds: readonly string[];
  /** What mends it, as sentences; empty when nothing is wrong. */
  readonly healing: readonly string[];
  /** What is verified by now, this verification included. */
  readonly coverage: VerifyCoverage;
}

/** How much of what some backups need is known to be sound: "verified to x % since …". */
export interface VerifyCoverage {
  /** Of the frames needed, from 0 to 1, weighed alike. */
  readonly storedShare: number;
  readonly wholeShare: number;
  /** The oldest result that counts; null when none does. A whole verification counts as one of the stored bytes, too. */
  readonly storedSince: Date | null;
  readonly wholeSince: Date | null;
  readonly damagedPackIds: readonly string[];
}
