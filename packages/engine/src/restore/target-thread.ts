import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
// By the narrow doors: the whole packages take half a second of each thread to load (measured 2026-11).
import { systemErrorCode } from "@tidemark/kit/app-error";
import { crc32c } from "@tidemark/kit/crc32c";
import { FrameOpener } from "@tidemark/repository/open-frame";
import { BatchBytes, type BatchWindow } from "../frames/batch-bytes.ts";
import { isCut, placeWords, readPlace } from "../frames/place-words.ts";
import type { MadeFile, RefusedFrame, TargetReply, TargetRequest } from "./target-requests.ts";

/** A restore's work on the target's files, synchronous, for a worker thread. Throws system errors as they come. */
export class TargetThread {
  readonly #files = new OpenFiles();
  readonly #bytes = new BatchBytes();
  readonly #opener = new FrameOpener();
  #compareBuffer: Buffer | null = null;

  answer(request: TargetRequest): TargetReply {
    switch (request.kind) {
      case "make":
        return { kind: "made", wasThere: request.files.map(makeFile) };
      case "write":
        return this.#bytes.with(request.batch, (windowOf) => this.#write(request, windowOf)) ?? { kind: "unread" };
      case "write-plain":
        this.#writeAt(request.place, request.bytes, request.position);
        return { kind: "written", bytes: request.bytes.length, refused: [] };
      case "compare":
        return this.#compare(request.place, request.runs);
      case "sync":
        // Those written are opened anew: what is synced is the file, whoever wrote it.
        this.#files.closeAll();
        for (const place of request.places) syncFile(place, request.owner);
        return { kind: "synced" };
    }
  }

  /** Between two restores: a file that is still open may be another by the same name in the next. */
  rest(): void {
    this.#files.closeAll();
    this.#compareBuffer = null;
  }

  #write({ batch, files }: WriteRequest, windowOf: (frame: number) => BatchWindow): TargetReply {
    const refused: RefusedFrame[] = [];
    let writtenBytes = 0;
    let at = 0;
    for (const [number, frame] of batch.frames.entries()) {
      const places = batch.places.subarray(at, at + frame.placeCount * placeWords);
      at += places.length;
      const { frameIndex } = frame;
      const opened = this.#opener.open(windowOf(number), batch.seals, frame, isCut(frame, places));
      if (opened.kind === "damaged") {
        refused.push({ frameIndex, reason: opened.reason });
        continue;
      }
      const written = this.#writePlaces(opened.plain, places, files);
      if (written === null) refused.push({ frameIndex, reason: "its bytes are not those the manifest names" });
      else writtenBytes += written;
    }
    return { kind: "written", bytes: writtenBytes, refused };
  }

  /**
   * Null when a run is not what it shall be. Runs that follow each other in the frame and in the file go in one write:
   * the pages of a frame of changed blocks often do.
   */
  #writePlaces(plain: Uint8Array, places: Uint32Array, files: ReadonlyMap<number, string>): number | null {
    let written = 0;
    let pending: { fileIndex: number; from: number; to: number; position: number } | null = null;
    for (let at = 0; at <= places.length; at += placeWords) {
      const place = at < places.length ? readPlace(places, at) : null;
      if (place !== null) {
        const end = place.offsetInFrame + place.lengthBytes;
        if (end > plain.length || this.#opener.crcOf(place.offsetInFrame, end) !== place.crc32c) return null;
        const isNext =
          pending !== null &&
          pending.fileIndex === place.fileIndex &&
          pending.to === place.offsetInFrame &&
          pending.position + (pending.to - pending.from) === place.fileOffset;
        if (isNext && pending !== null) {
          pending.to = end;
          continue;
        }
      }
      if (pending !== null) {
        const target = files.get(pending.fileIndex);
        if (target !== undefined) {
          this.#writeAt(target, plain.subarray(pending.from, pending.to), pending.position);
          written += pending.to - pending.from;
        }
      }
      pending =
        place === null
          ? null
          : {
              fileIndex: place.fileIndex,
              from: place.offsetInFrame,
              to: place.offsetInFrame + place.lengthBytes,
              position: place.fileOffset,
            };
    }
    return written;
  }

  #writeAt(place: string, bytes: Uint8Array, position: number): void {
    const descriptor = this.#files.take(place);
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
    }
  }

  #compare(place: string, runs: Float64Array): TargetReply {
    const descriptor = this.#files.take(place);
    const differs = new Uint8Array(runs.length / 3);
    let zeroedBytes = 0;
    for (let run = 0; run < differs.length; run++) {
      const [offset, length, crc] = [runs[run * 3] as number, runs[run * 3 + 1] as number, runs[run * 3 + 2] as number];
      if (crc < 0) zeroedBytes += this.#makeZeros(descriptor, offset, length);
      else if (this.#crcOf(descriptor, offset, length) !== crc) differs[run] = 1;
    }
    return { kind: "compared", differs, zeroedBytes };
  }

  #crcOf(descriptor: number, offset: number, length: number): number | null {
    let crc = 0;
    for (let done = 0; done < length; ) {
      const bytes = this.#readAt(descriptor, offset + done, length - done);
      if (bytes.length === 0) return null;
      crc = crc32c(bytes, crc);
      done += bytes.length;
    }
    return crc;
  }

  /** Writes only where something else is: what is a hole stays one. */
  #makeZeros(descriptor: number, offset: number, length: number): number {
    let zeroed = 0;
    for (let done = 0; done < length; ) {
      const bytes = this.#readAt(descriptor, offset + done, length - done);
      if (bytes.length === 0) break;
      if (bytes.some((byte) => byte !== 0)) {
        bytes.fill(0);
        for (let at = 0; at < bytes.length; ) {
          at += writeSync(descriptor, bytes, at, bytes.length - at, offset + done + at);
        }
        zeroed += bytes.length;
      }
      done += bytes.length;
    }
    return zeroed;
  }

  /** A window on one buffer, valid until the next call. */
  #readAt(descriptor: number, offset: number, atMost: number): Buffer {
    this.#compareBuffer ??= Buffer.allocUnsafeSlow(compareBytes);
    const length = Math.min(atMost, this.#compareBuffer.length);
    return this.#compareBuffer.subarray(0, readSync(descriptor, this.#compareBuffer, 0, length, offset));
  }
}

type WriteRequest = Extract<TargetRequest, { readonly kind: "write" }>;

/** The files a thread writes to, the least recently used closed first. */
class OpenFiles {
  readonly #open = new Map<string, number>();

  /** The one that was asked for last: pages of one file come one after another. */
  #last: { readonly place: string; readonly descriptor: number } | null = null;

  take(place: string): number {
    if (this.#last?.place === place) return this.#last.descriptor;
    const known = this.#open.get(place);
    const descriptor = known ?? openSync(pathOf(place), "r+");
    if (known !== undefined) this.#open.delete(place);
    this.#open.set(place, descriptor);
    this.#last = { place, descriptor };
    if (this.#open.size > openFilesLimit) this.#closeOldest();
    return descriptor;
  }

  closeAll(): void {
    this.#last = null;
    while (this.#open.size > 0) this.#closeOldest();
  }

  #closeOldest(): void {
    for (const [place, descriptor] of this.#open) {
      this.#open.delete(place);
      closeSync(descriptor);
      return;
    }
  }
}

/** Whether it was there. Files get their full size at once: what is not written later is a run of zeros, sparse where the file system can. */
function makeFile({ place, sizeBytes, mode, content }: MadeFile): boolean {
  const { descriptor, wasThere } = openFile(place, content);
  try {
    if (content === "empty") ftruncateSync(descriptor, 0);
    if (fstatSync(descriptor).size !== sizeBytes) ftruncateSync(descriptor, sizeBytes);
    // open obeys the process's umask; the manifest's mode is meant as it is. Never less than the owner's own rights.
    fchmodSync(descriptor, (mode & 0o777) | 0o600);
  } finally {
    closeSync(descriptor);
  }
  return wasThere;
}

function openFile(
  place: string,
  content: MadeFile["content"],
): { readonly descriptor: number; readonly wasThere: boolean } {
  if (content !== "new") {
    try {
      return { descriptor: openSync(pathOf(place), "r+"), wasThere: true };
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
    }
  }
  return { descriptor: openSync(pathOf(place), "wx", 0o600), wasThere: false };
}

function syncFile(place: string, owner: { readonly uid: number; readonly gid: number } | null): void {
  const descriptor = openSync(pathOf(place), "r+");
  try {
    if (owner !== null) fchownSync(descriptor, owner.uid, owner.gid);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function pathOf(place: string): Buffer {
  return Buffer.from(place, "latin1");
}

const openFilesLimit = 64;
/** As much as a frame holds. */
const compareBytes = 128 * 1024;
