import type { PageInspection } from "../backup/page-inspection.ts";
import type { FrameBatch } from "../frames/tour-frames.ts";

/** What the threads of a verification are asked for. */
export interface VerifyFrames {
  readonly kind: "verify";
  /** Without places only the frames themselves are checked. */
  readonly batch: FrameBatch;
  /** `stored`: only that the bytes are those that were stored. */
  readonly tier: "stored" | "whole";
  /** How the pages of a file are checked; a file that is not in it has none. */
  readonly inspections: ReadonlyMap<number, PageInspection>;
}

export interface VerifiedFrames {
  readonly bytes: number;
  readonly damaged: readonly { readonly frameIndex: number; readonly reason: string }[];
  /** Places (word positions in the batch) whose bytes have another checksum than the manifest says. */
  readonly wrongRuns: readonly number[];
  /** Places with pages whose checksum is wrong, and their block numbers in the relation. */
  readonly wrongPages: readonly { readonly at: number; readonly blocks: readonly number[] }[];
}
