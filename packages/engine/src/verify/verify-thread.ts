// By the narrow doors: the whole packages take half a second of each thread to load (measured 2026-11).
import type { StoredFrame } from "@tidemark/repository";
import { checkStoredFrame, FrameOpener } from "@tidemark/repository/open-frame";
import { inspectPages } from "../backup/page-inspection.ts";
import { BatchBytes, type BatchWindow } from "../frames/batch-bytes.ts";
import { isCut, type Place, placeWords, readPlace } from "../frames/place-words.ts";
import type { VerifiedFrames, VerifyFrames } from "./verify-requests.ts";

/** A verification's work on frames, synchronous, for a worker thread. */
export class VerifyThread {
  readonly #bytes = new BatchBytes();
  readonly #opener = new FrameOpener();

  /** Null when this thread cannot read the frames itself. */
  answer(request: VerifyFrames): VerifiedFrames | null {
    const { batch, tier } = request;
    return this.#bytes.with(batch, (windowOf) => {
      const findings = new Findings(request, this.#opener);
      let at = 0;
      for (const [number, frame] of batch.frames.entries()) {
        const window = windowOf(number);
        const to = at + frame.placeCount * placeWords;
        if (tier === "stored") findings.checkStored(window, frame);
        else findings.checkWhole(window, frame, at, to);
        at = to;
      }
      return findings.found;
    });
  }
}

class Findings {
  readonly found = {
    bytes: 0,
    damaged: [] as { frameIndex: number; reason: string }[],
    wrongRuns: [] as number[],
    wrongPages: [] as { at: number; blocks: readonly number[] }[],
  };
  readonly #request: VerifyFrames;
  readonly #opener: FrameOpener;

  constructor(request: VerifyFrames, opener: FrameOpener) {
    this.#request = request;
    this.#opener = opener;
  }

  checkStored(window: BatchWindow, frame: StoredFrame): void {
    const reason = checkStoredFrame(window, this.#request.batch.seals, frame);
    if (reason !== null) this.found.damaged.push({ frameIndex: frame.frameIndex, reason });
    this.found.bytes += frame.storedBytes;
  }

  checkWhole(window: BatchWindow, frame: StoredFrame, from: number, to: number): void {
    const { seals, places } = this.#request.batch;
    const opened = this.#opener.open(window, seals, frame, isCut(frame, places.subarray(from, to)));
    if (opened.kind === "damaged") {
      this.found.damaged.push({ frameIndex: frame.frameIndex, reason: opened.reason });
      return;
    }
    this.found.bytes += opened.plain.length;
    for (let at = from; at < to; at += placeWords) {
      this.#checkRun(opened.plain, at, readPlace(places, at));
    }
  }

  #checkRun(plain: Uint8Array, at: number, place: Place): void {
    const end = place.offsetInFrame + place.lengthBytes;
    if (end > plain.length || this.#opener.crcOf(place.offsetInFrame, end) !== place.crc32c) {
      this.found.wrongRuns.push(at);
      return;
    }
    const inspection = this.#request.inspections.get(place.fileIndex);
    if (inspection === undefined) return;
    const blocks = inspectPages(plain.subarray(place.offsetInFrame, end), inspection, place.fileOffset);
    if (blocks.length > 0) this.found.wrongPages.push({ at, blocks });
  }
}
