import { setImmediate } from "node:timers/promises";
import { AppError } from "@tidemark/kit";
import { formatLsn, type Lsn, segmentHeaderBytes, validateSegmentHeader, WalReader } from "@tidemark/postgres";
import type { WalArchive } from "@tidemark/repository";
import { throwIfCancelled } from "../act.ts";

export interface FollowWal {
  readonly archive: WalArchive;
  readonly major: number;
  readonly segmentSizeBytes: number;
  /** Where the last child left a timeline: what that has behind it leads nowhere. Undefined: none did. */
  readonly leftAt: (timeline: number) => bigint | undefined;
  readonly onBytes: (bytes: Uint8Array) => void;
  readonly signal: AbortSignal;
}

export interface FollowedSegment {
  readonly name: string;
  readonly timeline: number;
  readonly startLsn: bigint;
  /** The segment behind it, where that is not going to be followed: a record that reaches into it is read to its end. */
  readonly neighbour: string | null;
  /** Nothing of its timeline is behind it: the records may end in it. */
  readonly isLast: boolean;
}

/** Follows the records of archived WAL from segment to segment, as a recovery would, and checks the CRC of each. */
export class WalFollower {
  readonly #follow: FollowWal;
  #reader: WalReader | null = null;

  constructor(follow: FollowWal) {
    this.#follow = follow;
  }

  /** What is wrong with the header or the records of a segment, without a full stop; null: nothing. Throws what reading it does. */
  async follow(segment: FollowedSegment): Promise<string | null> {
    const { archive, onBytes, signal } = this.#follow;
    const reader = this.#readerAt(segment.startLsn);
    let isFirst = true;
    for await (const bytes of archive.read(segment.name, { signal, lends: true })) {
      const wrong = isFirst ? this.#headerProblem(segment, bytes) : null;
      if (wrong !== null) {
        this.forget();
        return `it ${wrong}`;
      }
      isFirst = false;
      onBytes(bytes);
      await this.#push(reader, bytes);
    }
    if (reader.end === null && segment.neighbour !== null) await this.#finishRecord(reader, segment.neighbour);
    const { end } = reader;
    if (end !== null || segment.neighbour !== null) this.forget();
    return end === null || this.#mayEnd(segment, end) ? null : `at ${formatLsn(end.lsn)} ${end.reason}`;
  }

  /** What comes next does not follow what was read. */
  forget(): void {
    this.#reader = null;
  }

  #readerAt(startLsn: bigint): WalReader {
    const known = this.#reader;
    if (known !== null && known.end === null && known.position === startLsn) return known;
    const { major, segmentSizeBytes } = this.#follow;
    this.#reader = new WalReader({ major, segmentSizeBytes, startLsn, checkCrc: true });
    return this.#reader;
  }

  #headerProblem({ timeline, startLsn }: FollowedSegment, bytes: Uint8Array): string | null {
    const { major, segmentSizeBytes, archive } = this.#follow;
    const { systemIdentifier } = archive;
    const expected = { major, systemIdentifier, segmentSizeBytes, timeline, startLsn };
    return validateSegmentHeader(bytes.subarray(0, segmentHeaderBytes), expected);
  }

  /** Heartbeats and locks of the process get their turn between two slices. */
  async #push(reader: WalReader, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += sliceBytes) {
      for (const _ of reader.push(bytes.subarray(at, at + sliceBytes)));
      await setImmediate();
      throwIfCancelled(this.#follow.signal);
    }
  }

  /** Where that cannot be read its own verification says so. */
  async #finishRecord(reader: WalReader, name: string): Promise<void> {
    const { archive, signal } = this.#follow;
    try {
      for await (const bytes of archive.read(name, { signal, lends: true })) {
        for (let at = 0; at < bytes.length; at += sliceBytes) {
          for (const _ of reader.push(bytes.subarray(at, at + sliceBytes))) return;
          if (reader.end !== null) return;
          await setImmediate();
        }
      }
    } catch (error) {
      throwIfCancelled(signal);
      if (!isAboutSegment(error)) throw error;
    }
  }

  /** The end of what was written, or of what led to a child. */
  #mayEnd({ timeline, isLast }: FollowedSegment, { lsn, reason }: { readonly lsn: Lsn; readonly reason: string }) {
    const leftAt = this.#follow.leftAt(timeline);
    if (leftAt !== undefined && lsn >= leftAt) return true;
    return isLast && reason.startsWith("there is no record");
  }
}

function isAboutSegment(error: unknown): boolean {
  return error instanceof AppError && (error.code === "wal-damaged" || error.code === "wal-missing");
}

/** Records of 64 KiB are read and summed in well below a millisecond. */
const sliceBytes = 64 * 1024;
