import { closeSync, openSync, readSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError, systemErrorCode } from "@tidemark/kit";
import { beginOfRecordReachingOver, type Lsn, WalScanner, walSegmentName } from "@tidemark/postgres/segment-reading";
import type { WalArchive, WalSegmentFacts, WalSegmentWriter } from "@tidemark/repository";
import { longestTailBytes } from "../receive/tail-before.ts";
import type { SegmentHeader } from "../wal-origin.ts";

export interface WriteSegmentRequest {
  readonly archives: readonly WalArchive[];
  readonly header: SegmentHeader;
  readonly file: FileHandle;
  /** Where it lies: the segment before may lie beside it. */
  readonly path: string;
  readonly writer: string;
  readonly signal: AbortSignal | undefined;
  /** Throws when the file is not the one that was begun with. Called before anything becomes a segment. */
  assertUnchanged(): Promise<void>;
}

/** Reads a segment once and writes it into every archive. Resolves when it is durable in all of them. */
export async function writeSegment(request: WriteSegmentRequest): Promise<"stored" | "same"> {
  const branches = await Promise.all(request.archives.map((archive) => Branch.begin(archive, request)));
  try {
    const facts = await copySegment(request, branches);
    await request.assertUnchanged();
    return joinOutcomes(await Promise.allSettled(branches.map((branch) => branch.finish(facts))));
  } catch (error) {
    await Promise.all(branches.map((branch) => branch.abandon()));
    throw error;
  }
}

/** One result of what was done in several repositories; the first failure is thrown. */
export function joinOutcomes(outcomes: readonly PromiseSettledResult<"stored" | "same">[]): "stored" | "same" {
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  const isStored = outcomes.some((outcome) => outcome.status === "fulfilled" && outcome.value === "stored");
  return isStored ? "stored" : "same";
}

async function copySegment(
  { header, file, path, signal }: WriteSegmentRequest,
  branches: readonly Branch[],
): Promise<WalSegmentFacts> {
  const { sizeBytes, timeline, startLsn } = header.place;
  const buffer = new Uint8Array(Math.min(sizeBytes, chunkBytes));
  const head = buffer.subarray(0, readSync(file.fd, buffer, 0, pageHeadBytes, 0));
  const before = readTailBeside(path, header, head);
  const scanner = new WalScanner({ major: header.major, segmentSizeBytes: sizeBytes, timeline, startLsn, before });
  for (let at = 0; at < sizeBytes; ) {
    signal?.throwIfAborted();
    // In the thread itself: a push has one of its own, the file is in the page cache, and asking libuv took longer than reading.
    const bytesRead = readSync(file.fd, buffer, 0, Math.min(buffer.length, sizeBytes - at), at);
    if (bytesRead === 0) throw new AppError("wal-invalid", { message: "the segment became shorter while it was read" });
    const bytes = buffer.subarray(0, bytesRead);
    await Promise.all(branches.map((branch) => branch.write(bytes)));
    if (branches.every((branch) => branch.failed)) break;
    scanner.push(bytes);
    at += bytesRead;
  }
  return scanner.takeFacts();
}

/**
 * The end of the segment before, which the server keeps for a while after it was archived, from the record on that reaches
 * over from there. Null where none does, or where that segment is not there any more.
 */
function readTailBeside(path: string, { place }: SegmentHeader, head: Uint8Array): Uint8Array | null {
  const { timeline, startLsn, sizeBytes } = place;
  const from = startLsn - BigInt(sizeBytes);
  if (from < 0n) return null;
  const name = walSegmentName(timeline, from as Lsn, sizeBytes);
  try {
    const file = openSync(join(dirname(path), name), "r");
    const read = (offset: number, bytes: number) => {
      const part = new Uint8Array(bytes);
      return readSync(file, part, 0, bytes, offset) === bytes ? part : null;
    };
    try {
      const begin = beginOfRecordReachingOver(head, sizeBytes, read);
      return begin === null || sizeBytes - begin > longestTailBytes ? null : read(begin, sizeBytes - begin);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    // It says no more than that one record cannot be told of.
    if (systemErrorCode(error) === undefined) throw error;
    return null;
  }
}

/** The way into one archive. What fails there is kept until the end, so that the other ways are gone to theirs. */
class Branch {
  #writer: WalSegmentWriter | null = null;
  #failure: { readonly error: unknown } | null = null;

  static async begin(archive: WalArchive, { header, writer, signal }: WriteSegmentRequest): Promise<Branch> {
    const branch = new Branch();
    await branch.#attempt(async () => {
      branch.#writer = await archive.beginSegment(header.place, {
        writer,
        ...(signal === undefined ? {} : { signal }),
      });
    });
    return branch;
  }

  get failed(): boolean {
    return this.#failure !== null;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#attempt(async () => await this.#writer?.write(bytes));
  }

  async finish(facts: WalSegmentFacts): Promise<"stored" | "same"> {
    if (this.#failure === null && this.#writer !== null) {
      const writer = this.#writer;
      try {
        return await writer.finish(facts);
      } catch (error) {
        this.#failure = { error };
      }
    }
    await this.abandon();
    throw this.#failure?.error;
  }

  async abandon(): Promise<void> {
    const writer = this.#writer;
    this.#writer = null;
    await writer?.abandon();
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    if (this.#failure !== null) return;
    try {
      await work();
    } catch (error) {
      this.#failure = { error };
    }
  }
}

/** A block of the archive: what was read is still in the processor's cache when it is scanned, copied and hashed. */
const chunkBytes = 128 * 1024;
/** Of a page's header, what tells whether a record goes on there; more than that is a page. */
const pageHeadBytes = 64;
