import type { SuspectPages } from "@tidemark/repository";
import type { ActControl } from "../act.ts";

/** Gathers pages whose checksum did not match, up to a bound, and says so while the copy runs. */
export class SuspectList {
  readonly #control: ActControl;
  readonly #pages: SuspectPages[] = [];
  #count = 0;

  constructor(control: ActControl) {
    this.#control = control;
  }

  /** Takes the block numbers (within the relation) of one file, once for each file. */
  add(path: string, blocks: readonly number[]): void {
    if (blocks.length === 0) return;
    const room = Math.max(0, suspectsListed - this.#count);
    this.#count += blocks.length;
    if (room > 0) this.#pages.push({ path, blocks: blocks.slice(0, room) });
    if (this.#pages.length > suspectFilesLogged) return;
    const names = blocks.slice(0, 5).join(", ");
    this.#control.emit({
      kind: "log",
      level: "warning",
      message: `${blocks.length} pages of ${path} do not match their checksum (block ${names}${blocks.length > 5 ? ", …" : ""})`,
    });
  }

  get pages(): readonly SuspectPages[] {
    return this.#pages;
  }

  /** A sentence when more were found than are listed. */
  get notes(): readonly string[] {
    if (this.#count <= suspectsListed) return [];
    return [`${this.#count} pages did not match their checksum; the first ${suspectsListed} are listed`];
  }
}

/** Listed in the manifest at most; a cluster with more is rotten throughout. */
export const suspectsListed = 10_000;
const suspectFilesLogged = 100;
