import { closeSync, openSync, readSync } from "node:fs";
import type { FileRange } from "../types.ts";

/** Reads ranges of packs one after another into a buffer that is kept, for a thread of its own. */
export class RangeReader {
  #buffer = new Uint8Array(0);

  /**
   * The bytes, valid until the next call. Null when they cannot be read, all of them: then the store is asked, which knows
   * what that means.
   */
  read({ path, offset, lengthBytes }: FileRange): Uint8Array | null {
    try {
      // A directory may say anything where there is no key: what has no room cannot be read either.
      if (this.#buffer.length < lengthBytes) this.#buffer = new Uint8Array(lengthBytes);
      const descriptor = openSync(path, "r");
      try {
        return this.#fill(descriptor, offset, lengthBytes);
      } finally {
        closeSync(descriptor);
      }
    } catch {
      return null;
    }
  }

  #fill(descriptor: number, offset: number, lengthBytes: number): Uint8Array | null {
    for (let done = 0; done < lengthBytes; ) {
      const bytesRead = readSync(descriptor, this.#buffer, done, lengthBytes - done, offset + done);
      if (bytesRead === 0) return null;
      done += bytesRead;
    }
    return this.#buffer.subarray(0, lengthBytes);
  }
}
