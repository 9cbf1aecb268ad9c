import { isStoreTrouble } from "@tidemark/storage";
import { partSealing } from "../seal/part-sealing.ts";
import { BoxDamaged, checkBox } from "../seal/sealed-box.ts";
import type { FrameSource, OpenedFrame, PackDescription, PartSeals, StoredFrame, StoredRange } from "../types.ts";
import type { StallGuard } from "./stall-guard.ts";

/** What the frames share with the area they belong to. */
export interface FailoverState {
  /** Why the first repository was given up, or null. */
  readonly down: () => string | null;
  readonly giveUp: (error: unknown) => void;
  readonly note: (packId: string, reason: string) => void;
  readonly guard: StallGuard;
}

/** Reads each frame from the first repository, and from the second what the first cannot give. */
export class FailoverFrames implements FrameSource {
  readonly #primary: FrameSource;
  readonly #second: FrameSource;
  readonly #state: FailoverState;

  constructor(primary: FrameSource, second: FrameSource, state: FailoverState) {
    this.#primary = primary;
    this.#second = second;
    this.#state = state;
  }

  async *readFrames(
    packId: string,
    frameIndexes: readonly number[],
    signal?: AbortSignal,
  ): AsyncGenerator<OpenedFrame, void, undefined> {
    const left = new Set(frameIndexes);
    const damage = new Map<number, string>();
    for await (const frame of this.#fromPrimary(signal, (both) =>
      this.#primary.readFrames(packId, frameIndexes, both),
    )) {
      if (frame.kind === "damaged") {
        damage.set(frame.frameIndex, frame.reason);
      } else {
        left.delete(frame.frameIndex);
        yield frame;
      }
    }
    if (left.size === 0) return;
    this.#note(packId, damage.values().next().value);
    for await (const frame of this.#second.readFrames(packId, [...left], signal)) {
      const before = frame.kind === "damaged" ? damage.get(frame.frameIndex) : undefined;
      yield frame.kind === "damaged" && before !== undefined ? { ...frame, reason: both(before, frame.reason) } : frame;
    }
  }

  /** Guards are checked here, since whoever opens these frames cannot ask the other repository for one that is damaged. */
  async *readStored(
    packId: string,
    frameIndexes: readonly number[] | null,
    signal?: AbortSignal,
  ): AsyncGenerator<StoredRange, void, undefined> {
    const given = new Set<number>();
    let reason: string | undefined;
    let isDamaged = false;
    const ranges = this.#fromPrimary(signal, (both) => this.#primary.readStored(packId, frameIndexes, both));
    for await (const range of ranges) {
      if (range.kind === "damaged") {
        isDamaged = true;
        reason ??= range.reason;
        continue;
      }
      const whole = range.frames.filter((frame) => isWhole(range.bytes, range.seals, frame));
      for (const { frameIndex } of whole) given.add(frameIndex);
      const broken = range.frames.find((frame) => !whole.includes(frame));
      if (broken !== undefined) {
        isDamaged = true;
        reason ??= `frame ${broken.frameIndex} of pack ${packId} is damaged: its guard does not match`;
      }
      if (whole.length > 0) yield { ...range, frames: whole };
    }
    const left = frameIndexes?.filter((index) => !given.has(index)) ?? null;
    if (left === null ? !isDamaged && this.#state.down() === null : left.length === 0) return;
    this.#note(packId, reason);
    for await (const range of this.#second.readStored(packId, left, signal)) {
      if (range.kind === "damaged")
        yield reason === undefined ? range : { ...range, reason: both(reason, range.reason) };
      else yield { ...range, frames: range.frames.filter(({ frameIndex }) => !given.has(frameIndex)) };
    }
  }

  /** Read here, like all that may have to come from the other repository. */
  locateStored(
    packId: string,
    frameIndexes: readonly number[] | null,
    signal?: AbortSignal,
  ): AsyncIterable<StoredRange> {
    return this.readStored(packId, frameIndexes, signal);
  }

  async describePack(packId: string, signal?: AbortSignal): Promise<PackDescription> {
    let reason: string | undefined;
    const asked = async function* (pack: Promise<PackDescription>): AsyncGenerator<PackDescription> {
      yield await pack;
    };
    for await (const pack of this.#fromPrimary(signal, (both) => asked(this.#primary.describePack(packId, both)))) {
      if (pack.kind === "known") return pack;
      reason = pack.reason;
    }
    this.#note(packId, reason);
    const copy = await this.#second.describePack(packId, signal);
    return copy.kind === "known" || reason === undefined ? copy : { ...copy, reason: both(reason, copy.reason) };
  }

  /** What the first gives until it ends, cannot be reached or hangs; nothing once it was given up. */
  async *#fromPrimary<T>(
    signal: AbortSignal | undefined,
    begin: (signal: AbortSignal) => AsyncIterable<T>,
  ): AsyncGenerator<T, void, undefined> {
    if (this.#state.down() !== null) return;
    const ending = new AbortController();
    const items = begin(signal === undefined ? ending.signal : AbortSignal.any([signal, ending.signal]));
    const iterator = items[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#ask(iterator, signal);
        if (next === null || next.done === true) return;
        yield next.value;
      }
    } finally {
      // Not waited for: it may hang, which is why we are here.
      ending.abort();
    }
  }

  /** Null: the first was given up. */
  async #ask<T>(iterator: AsyncIterator<T>, signal: AbortSignal | undefined): Promise<IteratorResult<T> | null> {
    try {
      return await this.#state.guard.within(iterator.next());
    } catch (error) {
      if (signal?.aborted === true || !isStoreTrouble(error)) throw error;
      this.#state.giveUp(error);
      return null;
    }
  }

  #note(packId: string, reason: string | undefined): void {
    this.#state.note(packId, reason ?? this.#state.down() ?? "it gave no answer");
  }
}

function isWhole(bytes: Uint8Array, seals: PartSeals, { at, storedBytes, number }: StoredFrame): boolean {
  try {
    checkBox(bytes.subarray(at, at + storedBytes), partSealing(seals, "frame", number));
    return true;
  } catch (error) {
    if (!(error instanceof BoxDamaged)) throw error;
    return false;
  }
}

const both = (first: string, second: string): string => `${first}; in the second repository: ${second}`;
