import { bundleParts, frameBytes, pieceBytes } from "../format.ts";
import type { FrameOutcome, FramePart, PartOutcome } from "../types.ts";

/**
 * The memory of one frame on its way through a pool, seen by both threads: its plain bytes, what is stored of it, and what
 * was found out about it. It goes round and round. Buffers that are handed over instead are mapped, filled with zeros
 * page by page, and collected for every frame, which cost a third of a backup's processor time (measured 2026-11).
 *
 * Whoever holds the plain bytes owns all of it: first who fills them, from `encode` on the thread, after the outcome the
 * caller again, until it gives the buffer back.
 */
export class FrameMemory {
  readonly shared: SharedArrayBuffer;
  /** `frameBytes` long. */
  readonly plain: Uint8Array;
  /** Where `sealBox` works with them; a box that is not made of these plain bytes goes `apart`. */
  readonly room: { readonly apart: Uint8Array; readonly around: Uint8Array };
  readonly #numbers: Uint32Array;
  readonly #fingerprints: Uint8Array;

  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(memoryBytes)) {
    this.shared = shared;
    known.set(shared, this);
    this.plain = new Uint8Array(shared, marginBytes, frameBytes);
    this.room = {
      apart: new Uint8Array(shared, apartAt, frameBytes + marginBytes),
      around: new Uint8Array(shared, 0, apartAt),
    };
    this.#numbers = new Uint32Array(shared, numbersAt, numberCount);
    this.#fingerprints = new Uint8Array(shared, fingerprintsAt, fingerprintBytes * (1 + bundleParts));
  }

  /** One that was given back, or a new one. Its content is arbitrary. */
  static take(): FrameMemory {
    return shelf.pop() ?? new FrameMemory();
  }

  /** That of bytes it `holds`. */
  static of(bytes: Uint8Array): FrameMemory {
    const shared = bytes.buffer as SharedArrayBuffer;
    return known.get(shared) ?? new FrameMemory(shared);
  }

  /** Nobody, in no thread, uses it any more. */
  giveBack(): void {
    if (shelf.length < shelfLength) shelf.push(this);
  }

  /** Whether bytes lie in such a memory: its plain bytes, or some of them. */
  static holds(bytes: Uint8Array): boolean {
    return bytes.buffer instanceof SharedArrayBuffer && bytes.buffer.byteLength === memoryBytes;
  }

  /** In the thread: leaves the outcome in the memory. What is not made of numbers is the answer's to carry. */
  keep(outcome: FrameOutcome): FrameAnswer {
    outcome.parts.forEach(({ crc32c, fingerprint, unchanged }, index) => {
      this.#numbers[partsAt + index] = crc32c;
      this.#numbers[flagsAt + index] = unchanged ? 1 : 0;
      this.#fingerprints.set(fingerprint, (1 + index) * fingerprintBytes);
    });
    this.#numbers[kindAt] = outcomeKinds.indexOf(outcome.kind);
    if (outcome.kind === "encoded") this.#keepEncoded(outcome);
    return outcome.parts.some(({ findings }) => findings.length > 0)
      ? outcome.parts.map((part) => part.findings)
      : null;
  }

  #keepEncoded({ stored, plainBytes, crc32c, fingerprint, pieceCrcs }: FrameOutcome & { kind: "encoded" }): void {
    this.#numbers[crcAt] = crc32c;
    this.#numbers[boxAt] = stored.byteOffset;
    this.#numbers[storedBytesAt] = stored.length;
    this.#numbers[plainBytesAt] = plainBytes;
    this.#numbers[pieceCountAt] = pieceCrcs.length;
    this.#numbers.set(pieceCrcs, piecesAt);
    this.#fingerprints.set(fingerprint, 0);
  }

  /** In the caller: the outcome that was kept. `stored` lies in the memory; the rest are copies. */
  outcome(answer: FrameAnswer, asked: readonly FramePart[]): FrameOutcome {
    const kind = outcomeKinds[this.#numbers[kindAt] ?? 0] ?? "zeros";
    if (kind === "zeros") return { kind, parts: [] };
    const parts = asked.map(
      (_, index): PartOutcome => ({
        unchanged: this.#numbers[flagsAt + index] === 1,
        crc32c: this.#numbers[partsAt + index] ?? 0,
        fingerprint: this.#fingerprint(1 + index),
        findings: answer?.[index] ?? nothingFound,
      }),
    );
    if (kind === "unchanged") return { kind, parts };
    return {
      kind,
      parts,
      stored: this.box(this.#numbers[boxAt] ?? 0, this.#numbers[storedBytesAt] ?? 0),
      plainBytes: this.#numbers[plainBytesAt] ?? 0,
      crc32c: this.#numbers[crcAt] ?? 0,
      fingerprint: this.#fingerprint(0),
      pieceCrcs: this.#numbers.slice(piecesAt, piecesAt + (this.#numbers[pieceCountAt] ?? 0)),
    };
  }

  /** A box that lies in the memory from `at` on. */
  box(at: number, storedBytes: number): Uint8Array {
    return new Uint8Array(this.shared, at, storedBytes);
  }

  #fingerprint(index: number): Uint8Array {
    // Not slice: it would share nothing either, but take its room in shared memory.
    return new Uint8Array(this.#fingerprints.subarray(index * fingerprintBytes, (index + 1) * fingerprintBytes));
  }
}

const known = new WeakMap<SharedArrayBuffer, FrameMemory>();
/** As good for the next backup, which would have them mapped and filled with zeros anew, while these wait to be collected. */
const shelf: FrameMemory[] = [];
/** As many as a backup with two threads has on their way: 13 MiB. */
const shelfLength = 48;

/** What a thread answers of a frame beside what it leaves in the frame's memory: the findings of each part, if there are any. */
export type FrameAnswer = readonly (readonly unknown[])[] | null;

const outcomeKinds: readonly FrameOutcome["kind"][] = ["zeros", "unchanged", "encoded"];
const nothingFound: readonly unknown[] = [];
const fingerprintBytes = 16;
/** More than a box is longer than its plain bytes, in front of them and behind; a line of the processor's caches. */
const marginBytes = 64;
const apartAt = marginBytes + frameBytes + marginBytes;
const numbersAt = apartAt + frameBytes + marginBytes;
/** Where each number is: of the frame, of its box, of its pieces, and of its parts. */
const kindAt = 0;
const crcAt = 1;
const boxAt = 2;
const storedBytesAt = 3;
const plainBytesAt = 4;
const pieceCountAt = 5;
const piecesAt = 6;
const partsAt = piecesAt + frameBytes / pieceBytes + 1;
const flagsAt = partsAt + bundleParts;
const numberCount = flagsAt + bundleParts;
const fingerprintsAt = numbersAt + numberCount * 4;
const memoryBytes = fingerprintsAt + fingerprintBytes * (1 + bundleParts);
