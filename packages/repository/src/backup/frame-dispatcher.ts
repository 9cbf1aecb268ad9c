import { AppError } from "@tidemark/kit";
import type { FrameExtent } from "../manifests/parent-file.ts";
import { FrameMemory } from "../packs/frame-memory.ts";
import type { FrameTicket, PackWriter } from "../packs/pack-writer.ts";
import type { RepositoryContext } from "../repository-context.ts";
import type { FrameEncoder, FrameJob, FrameOutcome, PartOutcome, ReadableFile } from "../types.ts";
import type { CompressionPilot, PipelineMeter } from "./compression-pilot.ts";
import type { EntryQueue, PendingFile } from "./entry-queue.ts";

/** A part of a frame on its way: which run of which file it will be. */
export interface DispatchedPart {
  readonly file: PendingFile;
  readonly run: number;
  readonly fileOffset: number;
  readonly lengthBytes: number;
  /** The parent's run of the same place and length, with its fingerprint. */
  readonly parent: FrameExtent | null;
  /** Copied from another pack, not read from the server: not inspected again. */
  readonly isCopied?: boolean;
  /** The open file the encoder is to read it from. */
  readonly from?: ReadableFile;
}

/**
 * Says where a frame that is about to be stored is stored already, or null. `plain` is the frame's plain bytes, valid until
 * the promise settles. The caller has nothing but a fingerprint and a CRC-32C to go by: whoever implements this compares
 * the bytes. What it throws fails the backup.
 */
export type FrameSalvage = (
  frame: Extract<FrameOutcome, { kind: "encoded" }>,
  plain: Uint8Array,
) => Promise<StoredFramePlace | null>;

export interface StoredFramePlace {
  readonly packId: string;
  readonly frameIndex: number;
}

export interface DispatcherParts {
  readonly context: RepositoryContext;
  readonly encoder: FrameEncoder;
  readonly packs: PackWriter;
  readonly queue: EntryQueue;
  readonly pilot: CompressionPilot;
  readonly meter: PipelineMeter;
  readonly signal: AbortSignal | undefined;
  /** Asked before a frame is stored; null: nobody to ask. */
  readonly salvage: FrameSalvage | null;
}

type FrameSource = Pick<FrameJob, "plain" | "read">;

/** Sends frames to the encoders, a bounded number at a time, and brings their outcomes to packs and files. */
export class FrameDispatcher {
  /** Plain bytes that were found stored already, and that were stored. */
  referencedBytes = 0;
  newBytes = 0;
  /** Plain bytes that encoders read and that were nothing but zeros. */
  zeroBytes = 0;
  readonly #parts: DispatcherParts;
  #inFlight = 0;
  #failure: { readonly error: unknown } | null = null;
  #waiting: (() => void)[] = [];

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /** A buffer for one frame, `frameBytes` long: one that came back, or a new one. Its content is arbitrary. */
  takeBuffer(): Uint8Array {
    return FrameMemory.take().plain;
  }

  /** Takes back what `takeBuffer` gave, or a view of it. */
  giveBuffer(buffer: Uint8Array): void {
    if (FrameMemory.holds(buffer)) FrameMemory.of(buffer).giveBack();
  }

  get readsFiles(): boolean {
    return this.#parts.encoder.readDepth !== undefined;
  }

  /** As `dispatch`, with a frame that the encoder reads itself; only where it `readsFiles`. */
  dispatchRead(part: DispatchedPart & { readonly from: ReadableFile }): Promise<void> | undefined {
    const plain = this.takeBuffer().subarray(0, part.lengthBytes);
    return this.#send({ plain, read: { fd: part.from.fd } }, [part]);
  }

  /**
   * Waits while the encoders or the store are behind, then sends; where neither is, it is sent when this returns. The buffer of
   * `plain` is given away.
   */
  dispatch(plain: Uint8Array, parts: readonly DispatchedPart[]): Promise<void> | undefined {
    return this.#send({ plain }, parts);
  }

  #send(bytes: FrameSource, parts: readonly DispatchedPart[]): Promise<void> | undefined {
    if (this.#inFlight >= this.#depth(bytes)) return this.#sendLater(bytes, parts);
    this.throwFailure();
    const ticket = this.#parts.packs.reserveAtHand(bytes.plain.length);
    if (ticket === null) return this.#sendLater(bytes, parts);
    this.#begin(bytes, parts, ticket);
    return undefined;
  }

  async #sendLater(bytes: FrameSource, parts: readonly DispatchedPart[]): Promise<void> {
    while (this.#inFlight >= this.#depth(bytes)) await this.#parts.meter.waitForEncoders(this.#landing());
    this.throwFailure();
    this.#begin(bytes, parts, await this.#parts.packs.reserve(bytes.plain.length));
  }

  #depth({ read }: FrameSource): number {
    const { pipelineDepth, readDepth = pipelineDepth } = this.#parts.encoder;
    return read === undefined ? pipelineDepth : readDepth;
  }

  #begin(bytes: FrameSource, parts: readonly DispatchedPart[], ticket: FrameTicket): void {
    this.#inFlight++;
    for (const { from } of parts) from?.retain();
    const job: FrameJob = {
      ...bytes,
      parts: parts.map(({ file, fileOffset, lengthBytes, parent, isCopied }) => ({
        lengthBytes,
        fileOffset,
        parentFingerprint: parent?.fingerprint ?? null,
        inspect: isCopied === true ? undefined : file.file.inspect,
      })),
      sealing: ticket.sealing,
      fingerprintSeed: this.#parts.context.fingerprintSeed,
      compression: this.#parts.pilot.compression,
    };
    void this.#run(job, ticket, parts);
  }

  /** Waits until nothing is on its way. */
  async drain(): Promise<void> {
    while (this.#inFlight > 0) await this.#landing();
    this.throwFailure();
  }

  /** The first thing that went wrong, if any; nothing is taken after it. */
  throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error;
    if (this.#parts.signal?.aborted === true) {
      throw new AppError("cancelled", { message: "the backup was cancelled", cause: this.#parts.signal.reason });
    }
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  async #run(job: FrameJob, ticket: FrameTicket, parts: readonly DispatchedPart[]): Promise<void> {
    let landed = false;
    try {
      const outcome = await this.#parts.encoder.encode(job);
      const stored = outcome.kind === "encoded" ? await this.#findStored(outcome, job) : null;
      landed = true;
      this.#land(outcome, stored, ticket, parts);
      // Not before: what is stored may lie in it.
      this.giveBuffer(job.plain);
    } catch (error) {
      if (!landed) ticket.release();
      const from = parts[0]?.from;
      this.fail(from === undefined || error instanceof AppError ? error : from.explain(error));
    } finally {
      for (const { from } of parts) from?.release();
      this.#inFlight--;
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const resolve of waiting) resolve();
      this.#parts.queue.wake();
    }
  }

  /** Where the frame is stored already; an encoder that keeps the job's buffer to itself leaves nothing to compare. */
  async #findStored(
    outcome: Extract<FrameOutcome, { kind: "encoded" }>,
    job: FrameJob,
  ): Promise<StoredFramePlace | null> {
    if (this.#parts.salvage === null) return null;
    const plain = job.plain.subarray(0, outcome.plainBytes);
    return plain.length === outcome.plainBytes ? this.#parts.salvage(outcome, plain) : null;
  }

  #land(
    outcome: FrameOutcome,
    stored: StoredFramePlace | null,
    ticket: FrameTicket,
    parts: readonly DispatchedPart[],
  ): void {
    if (outcome.kind === "zeros") {
      this.#landZeros(ticket, parts);
      return;
    }
    let frame = stored;
    if (outcome.kind === "encoded" && stored === null) {
      frame = { packId: ticket.packId, frameIndex: ticket.land(outcome) };
      this.newBytes += outcome.plainBytes;
    } else {
      ticket.release();
      if (outcome.kind === "encoded") this.referencedBytes += outcome.plainBytes;
    }
    let offsetInFrame = 0;
    for (const [index, part] of parts.entries()) {
      const done = outcome.parts[index];
      if (done === undefined) throw new AppError("internal", { message: "a frame encoder left out a part" });
      const place = done.unchanged || frame === null ? this.#reference(part, done) : { ...frame, offsetInFrame };
      if (!done.unchanged) offsetInFrame += part.lengthBytes;
      part.file.finishRun(part.run, place, { lengthBytes: part.lengthBytes, crc32c: done.crc32c }, done);
    }
    this.#parts.queue.flush();
  }

  #landZeros(ticket: FrameTicket, parts: readonly DispatchedPart[]): void {
    ticket.release();
    for (const { file, run, lengthBytes } of parts) {
      this.zeroBytes += lengthBytes;
      file.finishZeros(run, lengthBytes);
    }
    this.#parts.queue.flush();
  }

  /** Fingerprint and CRC-32C are independent: both must agree before the parent's bytes stand for these. */
  #reference(part: DispatchedPart, done: PartOutcome): Pick<FrameExtent, "packId" | "frameIndex" | "offsetInFrame"> {
    const { parent } = part;
    if (parent === null || parent.crc32c !== done.crc32c) {
      throw new AppError("internal", {
        message: "a frame has the parent's fingerprint and another CRC-32C",
        hint: "take the backup again without a parent",
      });
    }
    this.referencedBytes += part.lengthBytes;
    return { packId: parent.packId, frameIndex: parent.frameIndex, offsetInFrame: parent.offsetInFrame };
  }

  #landing(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
