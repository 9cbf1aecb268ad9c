import { crc32c } from "@tidemark/kit";
import { firstBlockOfFile, pageKindOf, pageLsn, parseRelationPath, samePage } from "@tidemark/postgres";
import type { Extent, FrameSource, ParentExtents } from "@tidemark/repository";
import type { PageLayout } from "./page-inspection.ts";
import type { PageDifference, TrustFindings } from "./trust-findings.ts";

export interface TrustComparisonDeps {
  /** Null when the parent has no such file. */
  readonly parentExtents: (path: Uint8Array) => Promise<ParentExtents | null>;
  readonly frames: Pick<FrameSource, "readFrames">;
  readonly findings: TrustFindings;
  readonly layout: PageLayout;
  readonly major: number;
  /** Where the parent's copy began: a page at least as new was changed since, in order. */
  readonly parentStartLsn: bigint;
  readonly signal: AbortSignal;
}

/**
 * Compares files that came in full with what is stored at the same place. Runs whose CRC-32C is the stored one's are equal and
 * cost nothing more; of the others only pages that are older than the parent are looked at, and the parent's frames are opened for
 * those alone. Memory: one frame's worth of what came, and the last few frames opened.
 */
export class TrustComparison {
  readonly #deps: TrustComparisonDeps;
  /** Of the file that passes; files come one after another. */
  readonly #window = new Uint8Array(windowBytes);
  readonly #opened = new Map<string, Uint8Array | null>();

  constructor(deps: TrustComparisonDeps) {
    this.#deps = deps;
  }

  /**
   * For a file that begins: what takes its bytes, or null where there is nothing to compare. Free space maps are not in the
   * WAL, and bits of visibility maps are cleared without a new LSN (visibilitymap_clear), so neither is judged.
   */
  async begin(path: Uint8Array): Promise<ComparedFile | null> {
    const text = Buffer.from(path).toString("utf8");
    const fork = parseRelationPath(text)?.fork;
    if (fork !== "main") return null;
    const extents = await this.#deps.parentExtents(path);
    return extents === null ? null : new ComparedFile(this, this.#deps, { path: text, extents, window: this.#window });
  }

  /** The stored bytes of an extent from `offset` in it; null when they cannot be read, which verification will say. */
  async stored(extent: Extent, offset: number, length: number): Promise<Uint8Array | null> {
    if (extent.kind === "zeros") return new Uint8Array(length);
    const key = `${extent.packId}:${extent.frameIndex}`;
    let plain = this.#opened.get(key);
    if (plain === undefined) {
      plain = await this.#open(extent.packId, extent.frameIndex);
      this.#opened.set(key, plain);
      const oldest = this.#opened.keys().next().value;
      if (this.#opened.size > openedFrames && oldest !== undefined) this.#opened.delete(oldest);
    }
    return plain?.subarray(extent.offsetInFrame + offset, extent.offsetInFrame + offset + length) ?? null;
  }

  async #open(packId: string, frameIndex: number): Promise<Uint8Array | null> {
    for await (const frame of this.#deps.frames.readFrames(packId, [frameIndex], this.#deps.signal)) {
      // Its buffer may be used again for the next frame.
      if (frame.kind === "plain") return new Uint8Array(frame.plain);
    }
    return null;
  }
}

/** Takes the bytes of one file in order, cut where the parent's extents are. */
export class ComparedFile {
  readonly #comparison: TrustComparison;
  readonly #deps: TrustComparisonDeps;
  readonly #path: string;
  readonly #extents: ParentExtents;
  readonly #differences: PageDifference[] = [];
  readonly #window: Uint8Array;
  #extent: Extent | null = null;
  /** Where in the file the window begins, how long it will be and how full it is. 0 long: beyond the parent's end. */
  #at = 0;
  #length = 0;
  #filled = 0;
  #isBeyond = false;

  constructor(
    comparison: TrustComparison,
    deps: TrustComparisonDeps,
    file: { readonly path: string; readonly extents: ParentExtents; readonly window: Uint8Array },
  ) {
    this.#comparison = comparison;
    this.#deps = deps;
    this.#path = file.path;
    this.#extents = file.extents;
    this.#window = file.window;
  }

  /** The chunk may be reused when the promise is settled. */
  async write(chunk: Uint8Array): Promise<void> {
    for (let taken = 0; taken < chunk.length && !this.#isBeyond; ) {
      if (this.#length === 0 && !(await this.#beginWindow())) return;
      const piece = chunk.subarray(taken, taken + this.#length - this.#filled);
      this.#window.set(piece, this.#filled);
      this.#filled += piece.length;
      taken += piece.length;
      if (this.#filled === this.#length) await this.#endWindow();
    }
  }

  /** A file that is shorter than the parent's ends inside an extent. */
  async end(): Promise<void> {
    if (this.#filled > 0) await this.#endWindow();
    this.#deps.findings.add(this.#path, this.#differences);
  }

  async #beginWindow(): Promise<boolean> {
    this.#extent = await this.#extents.extentAt(this.#at);
    if (this.#extent === null) {
      this.#isBeyond = true;
      return false;
    }
    const end = Number(this.#extent.fileOffset) + Number(this.#extent.lengthBytes);
    this.#length = Math.min(end - this.#at, windowBytes);
    return true;
  }

  async #endWindow(): Promise<void> {
    const [extent, bytes, at] = [this.#extent, this.#window.subarray(0, this.#filled), this.#at];
    this.#at += this.#filled;
    this.#filled = 0;
    this.#length = 0;
    if (extent === null) return;
    const offset = at - Number(extent.fileOffset);
    if (extent.kind === "frame" && offset === 0 && bytes.length === extent.lengthBytes) {
      if (crc32c(bytes) === extent.crc32c) return;
    }
    await this.#comparePages(bytes, at, extent, offset);
  }

  async #comparePages(bytes: Uint8Array, at: number, extent: Extent, offset: number): Promise<void> {
    const { blockSize, blocksPerSegment } = this.#deps.layout;
    if (at % blockSize !== 0) return;
    const firstBlock = firstBlockOfFile(this.#path, blocksPerSegment) + at / blockSize;
    let stored: Uint8Array | null = null;
    for (let page = 0; (page + 1) * blockSize <= bytes.length; page++) {
      const now = bytes.subarray(page * blockSize, (page + 1) * blockSize);
      if (pageLsn(now) >= this.#deps.parentStartLsn) continue;
      stored ??= await this.#comparison.stored(extent, offset, bytes.length);
      if (stored === null) return;
      this.#comparePage(now, stored.subarray(page * blockSize, (page + 1) * blockSize), firstBlock + page);
    }
  }

  #comparePage(now: Uint8Array, before: Uint8Array, block: number): void {
    if (samePage(now, before, { fork: "main", block, major: this.#deps.major })) return;
    const [kind, kindBefore] = [pageKindOf(now), pageKindOf(before)];
    // What an unknown access method writes without WAL is not known. And a sequence's WAL runs up to 32 values ahead of its page
    // (SEQ_LOG_VALS, sequence.c), so a primary and a standby that replayed it hold different pages of one LSN.
    if (kind === kindBefore && (kind === "other" || kind === "sequence")) return;
    if (this.#differences.length >= pagesInFile) return;
    this.#differences.push({
      block,
      storedLsn: pageLsn(before),
      serverLsn: pageLsn(now),
      isZero: kind === "new",
    });
  }
}

/** As long as a frame can be (128 KiB), so that an extent of one frame is one window. */
const windowBytes = 128 * 1024;
/** A frame that fell into pieces is asked for several times in a row. */
const openedFrames = 4;
/** One more than is listed of a whole backup. */
const pagesInFile = 10_001;
