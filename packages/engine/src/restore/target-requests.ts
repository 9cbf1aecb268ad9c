import type { FrameBatch } from "../frames/tour-frames.ts";
import type { Owner } from "./restore-owner.ts";

/** What the threads of a restore are asked for. Places are absolute paths as latin1 text: one character for each byte. */
export type TargetRequest =
  | { readonly kind: "make"; readonly files: readonly MadeFile[] }
  /** Opens the frames and writes each place's bytes into the files; `files` maps file numbers to places. */
  | { readonly kind: "write"; readonly batch: FrameBatch; readonly files: ReadonlyMap<number, string> }
  /** Bytes that were opened elsewhere. */
  | { readonly kind: "write-plain"; readonly place: string; readonly position: number; readonly bytes: Uint8Array }
  /** Which runs of a file are not what they shall be; runs of zeros are made so at once. Three numbers each: offset, length, CRC-32C (−1: zeros). */
  | { readonly kind: "compare"; readonly place: string; readonly runs: Float64Array<ArrayBuffer> }
  | { readonly kind: "sync"; readonly places: readonly string[]; readonly owner: Owner | null };

export interface MadeFile {
  readonly place: string;
  readonly sizeBytes: number;
  readonly mode: number;
  /** `new`: it must not exist. `keep`: one that is there stays, with its content. `empty`: one that is there becomes zeros. */
  readonly content: "new" | "keep" | "empty";
}

export type TargetReply =
  /** For each file whether it was there already. */
  | { readonly kind: "made"; readonly wasThere: readonly boolean[] }
  | { readonly kind: "written"; readonly bytes: number; readonly refused: readonly RefusedFrame[] }
  /** The thread could not read the frames itself, not all of them: what it wrote of them does not count. */
  | { readonly kind: "unread" }
  /** One entry for each run, 1: it differs. `zeroedBytes` were made zeros. */
  | { readonly kind: "compared"; readonly differs: Uint8Array<ArrayBuffer>; readonly zeroedBytes: number }
  | { readonly kind: "synced" };

/** A frame none of whose bytes, or not all, could be written: they are not what the manifest names. */
export interface RefusedFrame {
  readonly frameIndex: number;
  readonly reason: string;
}
