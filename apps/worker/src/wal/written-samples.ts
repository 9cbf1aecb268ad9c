interface WrittenSample {
  readonly lsn: bigint;
  readonly atMs: number;
}

/** How far a server had written when: what says of stored WAL up to which moment it holds everything. */
export class WrittenSamples {
  /** Oldest first. */
  #samples: WrittenSample[] = [];
  /** How far apart they are at least, the last one apart. */
  #gapMs = 0;

  /** Of one that went back (a restored or another server) nothing from before counts. */
  add(lsn: bigint, atMs: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && lsn < last.lsn) this.#samples = [];
    const before = this.#samples.at(-2);
    if (before !== undefined && last !== undefined && last.atMs - before.atMs < this.#gapMs) this.#samples.pop();
    this.#samples.push({ lsn, atMs });
    if (this.#samples.length <= mostSamples) return;
    // How old what is missing is stays known, only half as sharply.
    this.#samples = this.#samples.filter((_, index) => index % 2 === 0);
    this.#gapMs = (atMs - (this.#samples[0]?.atMs ?? atMs)) / this.#samples.length;
  }

  /** The last moment at which all that was written lies before `lsn`; null: none is known. What is older is forgotten. */
  caughtUpAt(lsn: bigint): number | null {
    const index = this.#samples.findLastIndex((sample) => sample.lsn <= lsn);
    if (index < 0) return null;
    this.#samples = this.#samples.slice(index);
    if (this.#samples.length < mostSamples / 4) this.#gapMs = 0;
    return this.#samples[0]?.atMs ?? null;
  }
}

/** Three hours of one every ten seconds; some 100 KiB. */
const mostSamples = 1_000;
