import type { ExtentRows, FrameSource, PackDescription } from "@tidemark/repository";

/** The directories of the packs that were asked about: 12 bytes for each frame. */
export class KnownPacks {
  readonly #frames: FrameSource;
  readonly #signal: AbortSignal;
  readonly #known = new Map<string, PackDescription>();

  constructor(frames: FrameSource, signal: AbortSignal) {
    this.#frames = frames;
    this.#signal = signal;
  }

  async get(packId: string): Promise<PackDescription> {
    const known = this.#known.get(packId);
    if (known !== undefined) return known;
    const description = await this.#frames.describePack(packId, this.#signal);
    this.#known.set(packId, description);
    return description;
  }

  /** Reads the directories that some runs point into, so that they can be judged without waiting. */
  async learn(extents: ExtentRows, isWanted: (packId: string) => boolean): Promise<void> {
    for (let index = 0; index < extents.count; index++) {
      if (extents.isZeros(index)) continue;
      const packId = extents.packIdOf(index);
      if (!this.#known.has(packId) && isWanted(packId)) await this.get(packId);
    }
  }

  /** What is wrong with where a run points, going by the directory alone (see `learn`); null when nothing is. */
  judge(extents: ExtentRows, index: number): RunTrouble | null {
    const packId = extents.packIdOf(index);
    const pack = this.#known.get(packId);
    if (pack === undefined) throw new RangeError(`pack ${packId} was not looked at`);
    if (pack.kind === "damaged") return { code: "frame-missing", why: pack.reason };
    const frameIndex = extents.frameIndexOf(index);
    const offsetInFrame = extents.offsetInFrameOf(index);
    const lengthBytes = extents.endOf(index) - extents.beginOf(index);
    const plainBytes = pack.plainBytes[frameIndex];
    if (plainBytes === undefined) {
      return { code: "frame-missing", why: `pack ${packId} has no frame ${frameIndex}` };
    }
    const name = `frame ${frameIndex} of pack ${packId}`;
    if (offsetInFrame + lengthBytes > plainBytes) {
      return { code: "frame-missing", why: `${name} is shorter than the manifest says` };
    }
    const isWhole = offsetInFrame === 0 && lengthBytes === plainBytes;
    if (isWhole && pack.crc32c[frameIndex] !== extents.crcOf(index)) {
      return { code: "run-checksum", why: `${name} has another checksum than the manifest says` };
    }
    return null;
  }

  /** Of all frames of the packs that are known, as far as `isWanted`. */
  sum(of: "storedBytes" | "plainBytes", isWanted: (packId: string) => boolean): bigint {
    let sum = 0n;
    for (const [packId, pack] of this.#known) {
      if (pack.kind === "damaged" || !isWanted(packId)) continue;
      let bytes = 0;
      for (const length of pack[of]) bytes += length;
      sum += BigInt(bytes);
    }
    return sum;
  }

  isReadable(packId: string): boolean {
    return this.#known.get(packId)?.kind === "known";
  }
}

export interface RunTrouble {
  readonly code: "frame-missing" | "run-checksum";
  readonly why: string;
}
