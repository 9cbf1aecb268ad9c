/** A set of frame indexes of one pack: bit i of byte i >> 3 stands for frame i. A pack has at most 4096 frames. */
export class FrameBitmap {
  #bytes = new Uint8Array(16);

  add(frameIndex: number): void {
    const at = frameIndex >> 3;
    if (at >= this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, at + 1));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes[at] = (this.#bytes[at] ?? 0) | (1 << (frameIndex & 7));
  }

  /** The bytes up to the last that is not zero. */
  trimmed(): Uint8Array {
    let length = this.#bytes.length;
    while (length > 0 && this.#bytes[length - 1] === 0) length--;
    return this.#bytes.slice(0, length);
  }
}
