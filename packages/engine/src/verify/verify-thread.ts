// By the narrow doors: the whole packages take half a second of each thread to load (measured 2026-11).
import { crc32c } from "@tidemark/kit/crc32c";
import type { StoredFrame } from "@tidemark/repository";
import { checkStoredFrame, openFrame } from "@tidemark/repository/frame-kernel";
import { releaseBytes } from "@tidemark/repository/release-bytes";
import { inspectPages } from "../backup/page-inspection.ts";
import { type Place, placeWords, readPlace } from "../frames/place-words.ts";
import type { VerifiedFrames, VerifyFrames } from "./verify-requests.ts";

/** Checks some frames, synchronously, for a worker thread. */
export function verifyFrames(request: VerifyFrames): VerifiedFrames {
  const findings = new Findings();
  const { batch } = request;
  let at = 0;
  for (const frame of batch.frames) {
    const stored = batch.bytes.subarray(frame.at, frame.at + frame.storedBytes);
    if (request.tier === "stored") findings.checkStored(frame, stored);
    else findings.checkWhole(request, frame, stored, at, at + frame.placeCount * placeWords);
    at += frame.placeCount * placeWords;
  }
  releaseBytes(batch.bytes);
  return findings;
}

class Findings implements VerifiedFrames {
  bytes = 0;
  readonly damaged: { frameIndex: number; reason: string }[] = [];
  readonly wrongRuns: number[] = [];
  readonly wrongPages: { at: number; blocks: readonly number[] }[] = [];

  checkStored({ frameIndex, sealing }: StoredFrame, stored: Uint8Array): void {
    const reason = checkStoredFrame(stored, sealing);
    if (reason !== null) this.damaged.push({ frameIndex, reason });
    this.bytes += stored.length;
  }

  checkWhole(request: VerifyFrames, frame: StoredFrame, stored: Uint8Array, from: number, to: number): void {
    const opened = openFrame({ ...frame, stored });
    if (opened.kind === "damaged") {
      this.damaged.push({ frameIndex: frame.frameIndex, reason: opened.reason });
      return;
    }
    this.bytes += opened.plain.length;
    for (let at = from; at < to; at += placeWords) {
      this.#checkRun(request, opened.plain, frame.crc32c, at, readPlace(request.batch.places, at));
    }
    releaseBytes(opened.plain);
  }

  #checkRun({ inspections }: VerifyFrames, plain: Uint8Array, frameCrc: number, at: number, place: Place): void {
    const end = place.offsetInFrame + place.lengthBytes;
    const bytes = plain.subarray(place.offsetInFrame, end);
    const isWhole = bytes.length === plain.length;
    if (end > plain.length || (isWhole ? frameCrc : crc32c(bytes)) !== place.crc32c) {
      this.wrongRuns.push(at);
      return;
    }
    const inspection = inspections.get(place.fileIndex);
    if (inspection === undefined) return;
    const blocks = inspectPages(bytes, inspection, place.fileOffset);
    if (blocks.length > 0) this.wrongPages.push({ at, blocks });
  }
}
