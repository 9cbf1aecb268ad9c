import { AppError, joinCleanup } from "@tidemark/kit";
import type { PipelineMeter } from "../backup/compression-pilot.ts";
import { magic, packFrames, packTargetBytes } from "../format.ts";
import { packKey } from "../paths.ts";
import { newSeal, type RepositoryContext } from "../repository-context.ts";
import type { ObjectSeal } from "../seal/object-seal.ts";
import { encodeTrailer } from "../seal/object-trailer.ts";
import { sealBox } from "../seal/sealed-box.ts";
import type { FrameOutcome } from "../types.ts";
import type { FrameNumber } from "./frame-encoding.ts";
import { encodeDirectory, encodePackHeader, type NewDirectoryEntry, packHeaderBytes } from "./pack-directory.ts";
import { SlabShelf, SlabStack } from "./slabs.ts";

/** A place in a pack, held for a frame while it is encoded. */
export interface FrameTicket {
  readonly sealing: FrameNumber;
  readonly packId: string;
  /** Takes a copy of the frame; gives its index in the pack. Exactly one of `land` and `release` is called, once. */
  land(outcome: FrameOutcome & { kind: "encoded" }): number;
  /** The frame is not stored after all. */
  release(): void;
}

/**
 * The packs of one backup. At most two are in memory: the one that fills and one that is being put; `reserve` waits
 * beyond that. Frames land in the order they are done.
 */
export class PackWriter {
  /** Bytes of packs that are durable. */
  storedBytes = 0n;
  readonly #context: RepositoryContext;
  readonly #serverId: string;
  readonly #backupId: string;
  readonly #signal: AbortSignal | undefined;
  readonly #meter: PipelineMeter | undefined;
  #open: OpenPack | null = null;
  /** Ids of the packs that were put or may have been. */
  readonly #attempted = new Set<string>();
  readonly #shelf = new SlabShelf();
  #putting: Promise<void> | null = null;
  #failure: { readonly error: unknown } | null = null;

  /** `meter` hears how long a full pack waits for the one before it. */
  constructor(
    context: RepositoryContext,
    serverId: string,
    backupId: string,
    signal: AbortSignal | undefined,
    meter?: PipelineMeter,
  ) {
    this.#context = context;
    this.#serverId = serverId;
    this.#backupId = backupId;
    this.#signal = signal;
    this.#meter = meter;
  }

  async reserve(plainBytes: number): Promise<FrameTicket> {
    for (;;) {
      const ticket = this.reserveAtHand(plainBytes);
      if (ticket !== null) return ticket;
      await this.#closeOpen();
    }
  }

  /** Null where the open pack must be closed first. */
  reserveAtHand(plainBytes: number): FrameTicket | null {
    if (this.#open?.isFull(plainBytes) === true) return null;
    this.#throwFailure();
    this.#open ??= this.#newPack();
    const pack = this.#open;
    const sealing = pack.reserve(plainBytes);
    const done = (): void => {
      pack.outstandingFrames--;
      pack.outstandingBytes -= plainBytes;
      pack.notifyIdle();
    };
    const land = (outcome: FrameOutcome & { kind: "encoded" }): number => {
      const index = pack.add(sealing.number, outcome);
      done();
      return index;
    };
    return { sealing, packId: pack.id, land, release: done };
  }

  /** Puts the last pack and waits until all are durable. No frame may be on its way. */
  async finish(): Promise<void> {
    await this.#closeOpen();
    await this.#putting;
    this.#throwFailure();
    this.#shelf.close();
  }

  wrote(packId: string): boolean {
    return this.#attempted.has(packId);
  }

  /** Removes what was put. Every pack is tried; failures are thrown together. */
  async removeAll(): Promise<void> {
    // No further put may start, whoever still waits for one.
    this.#failure ??= { error: new AppError("cancelled", { message: `backup ${this.#backupId} was given up` }) };
    await this.#putting;
    const failures: unknown[] = [];
    for (const packId of this.#attempted) {
      try {
        await this.#context.store.delete(packKey(this.#serverId, packId));
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) {
      throw new AggregateError(failures, `${failures.length} packs of ${this.#backupId} could not be removed`);
    }
  }

  #newPack(): OpenPack {
    const id = this.#context.newId("pack");
    return new OpenPack(id, newSeal(this.#context, packKey(this.#serverId, id)), new SlabStack(this.#shelf));
  }

  /** Starts the put of the open pack, for when its frames have landed; waits for the put before it. */
  async #closeOpen(): Promise<void> {
    const pack = this.#open;
    this.#open = null;
    if (pack === null) return;
    if (this.#putting !== null) await (this.#meter?.waitForStore(this.#putting) ?? this.#putting);
    this.#meter?.packFilled();
    this.#throwFailure();
    this.#putting = this.#put(pack).catch((error: unknown) => {
      this.#failure ??= { error };
    });
  }

  /** Frames may still be on their way to it, while the next pack begins to fill. */
  async #put(pack: OpenPack): Promise<void> {
    await pack.idle();
    this.#throwFailure();
    if (pack.entries.length === 0) return;
    const key = packKey(this.#serverId, pack.id);
    const chunks = pack.finish(this.#backupId);
    await this.#context.step("pack:before-put");
    this.#attempted.add(pack.id);
    const body = {
      async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
        yield* chunks;
      },
    };
    const options = this.#signal === undefined ? {} : { signal: this.#signal };
    const { sizeBytes } = await this.#context.store.put(key, body, options);
    const written = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    if (sizeBytes !== written) {
      const error = new AppError("storage-failed", {
        message: `${key}: ${sizeBytes} of ${written} bytes were taken`,
        context: { key },
      });
      throw await joinCleanup(error, () => this.#context.store.delete(key));
    }
    pack.stored.release();
    this.storedBytes += BigInt(sizeBytes);
    await this.#context.step("pack:after-put");
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }
}

class OpenPack {
  readonly id: string;
  readonly entries: NewDirectoryEntry[] = [];
  outstandingFrames = 0;
  outstandingBytes = 0;
  /** The frames, one after another. */
  readonly stored: SlabStack;
  readonly #seal: ObjectSeal;
  #storedBytes = packHeaderBytes;
  #nextNumber = 0;
  #onIdle: (() => void) | null = null;

  constructor(id: string, seal: ObjectSeal, stored: SlabStack) {
    this.id = id;
    this.#seal = seal;
    this.stored = stored;
  }

  isFull(plainBytes: number): boolean {
    return (
      this.#storedBytes + this.outstandingBytes + plainBytes > packTargetBytes ||
      this.entries.length + this.outstandingFrames >= packFrames
    );
  }

  reserve(plainBytes: number): FrameNumber {
    const number = this.#nextNumber++;
    this.outstandingFrames++;
    this.outstandingBytes += plainBytes;
    return { number, seals: this.#seal.parts };
  }

  add(number: number, outcome: FrameOutcome & { kind: "encoded" }): number {
    const { stored, plainBytes, crc32c, fingerprint, pieceCrcs } = outcome;
    const guard = new Uint8Array(stored.subarray(stored.length - 16));
    const offset = this.#storedBytes;
    this.stored.add(stored);
    this.#storedBytes += stored.length;
    const entry = { offset, storedBytes: stored.length, plainBytes, number, crc32c, fingerprint, guard };
    this.entries.push({ ...entry, pieceCrcs });
    return this.entries.length - 1;
  }

  /** Resolves when no frame is on its way. */
  async idle(): Promise<void> {
    if (this.outstandingFrames === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  notifyIdle(): void {
    if (this.outstandingFrames === 0) this.#onIdle?.();
  }

  /** Header, frames, directory, trailer. */
  finish(backupId: string): readonly Uint8Array[] {
    const { facts } = this.#seal;
    const directory = sealBox(encodeDirectory(backupId, this.entries), this.#seal.part("directory", 0));
    const trailer = encodeTrailer(magic.packEnd, {
      ...facts,
      lastBoxOffset: this.#storedBytes,
      lastBoxBytes: directory.length,
      count: this.entries.length,
    });
    return [encodePackHeader(facts, this.id, backupId), ...this.stored.chunks(), directory, trailer];
  }
}
