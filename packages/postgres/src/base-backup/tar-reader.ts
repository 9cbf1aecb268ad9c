import { AppError } from "@tidemark/kit";

export interface TarMember {
  readonly type: "file" | "directory" | "symlink";
  /** As in the archive, unchecked. */
  readonly name: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
  /** Of a symbolic link. */
  readonly target: Uint8Array;
}

export type TarEvent =
  | { readonly kind: "member"; readonly member: TarMember }
  /** A window on the pushed bytes. */
  | { readonly kind: "data"; readonly chunk: Uint8Array }
  /** After the last byte of a file; directories and links have none. */
  | { readonly kind: "member-end" };

/**
 * Reads the ustar archives of a base backup (src/port/tar.c): names in UTF-8 or not, sizes in octal or base-256, with
 * or without the two blocks of zeros at the end (13 and 14 leave them out). No I/O and no copy: push bytes, take events
 * until there is none, push again.
 *
 * States: `header` → (`data` → `padding`) → `header` … → `trailer` after a block of zeros.
 */
export class TarReader {
  #state: "header" | "data" | "padding" | "trailer" = "header";
  #input: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** The part of a header that has arrived when one is cut. */
  readonly #header = new Uint8Array(blockBytes);
  #held = 0;
  /** Bytes left of the data or the padding. */
  #left = 0;
  #paddingBytes = 0;

  /** Only when `next` returned null. */
  push(bytes: Uint8Array): void {
    if (this.#at < this.#input.length) throw new Error("bytes were pushed while tar events are waiting to be taken");
    this.#input = bytes;
    this.#at = 0;
  }

  /**
   * The next event, or null when more bytes are needed.
   *
   * @throws AppError `backup-stream-damaged` for bytes that are no tar archive.
   */
  next(): TarEvent | null {
    for (;;) {
      switch (this.#state) {
        case "header": {
          const header = this.#takeHeader();
          if (header === null) return null;
          if (isZero(header)) this.#state = "trailer";
          else return { kind: "member", member: this.#beginMember(header) };
          break;
        }
        case "data": {
          if (this.#left === 0) {
            this.#state = "padding";
            this.#left = this.#paddingBytes;
            return { kind: "member-end" };
          }
          if (this.#at === this.#input.length) return null;
          return { kind: "data", chunk: this.#take() };
        }
        case "padding":
          this.#take();
          if (this.#left > 0) return null;
          this.#state = "header";
          break;
        case "trailer":
          if (!isZero(this.#input.subarray(this.#at))) throw damaged("something follows the end of an archive");
          this.#at = this.#input.length;
          return null;
      }
    }
  }

  /**
   * To be called after the archive's last byte.
   *
   * @throws AppError `backup-stream-damaged` when it ends inside a member.
   */
  finish(): void {
    const isComplete = (this.#state === "header" && this.#held === 0) || this.#state === "trailer";
    if (!isComplete || this.#at < this.#input.length) throw damaged("an archive ends inside a member");
  }

  #takeHeader(): Uint8Array | null {
    const available = this.#input.length - this.#at;
    if (this.#held === 0 && available >= blockBytes) {
      this.#at += blockBytes;
      return this.#input.subarray(this.#at - blockBytes, this.#at);
    }
    const length = Math.min(blockBytes - this.#held, available);
    this.#header.set(this.#input.subarray(this.#at, this.#at + length), this.#held);
    this.#held += length;
    this.#at += length;
    if (this.#held < blockBytes) return null;
    this.#held = 0;
    return this.#header;
  }

  #beginMember(header: Uint8Array): TarMember {
    const member = parseHeader(header);
    if (member.type === "file") {
      this.#state = "data";
      this.#left = member.sizeBytes;
      this.#paddingBytes = (blockBytes - (member.sizeBytes % blockBytes)) % blockBytes;
    }
    return member;
  }

  /** As much of what is left as has arrived. */
  #take(): Uint8Array {
    const length = Math.min(this.#left, this.#input.length - this.#at);
    const from = this.#at;
    this.#at += length;
    this.#left -= length;
    return this.#input.subarray(from, this.#at);
  }
}

const blockBytes = 512;

/** Offsets of the ustar header: name 0, mode 100, size 124, mtime 136, chksum 148, typeflag 156, linkname 157, magic 257, prefix 345. */
function parseHeader(header: Uint8Array): TarMember {
  if (parseNumber(header, 148, 8) !== headerSum(header)) throw damaged("a member's header has a wrong checksum");
  if (latin1(header.subarray(257, 262)) !== "ustar") throw damaged("a member's header is not ustar");
  const type = memberTypes.get(header[156] as number);
  if (type === undefined) throw damaged(`a member has the unknown type ${header[156]}`);
  const sizeBytes = parseNumber(header, 124, 12);
  if (type !== "file" && sizeBytes !== 0) throw damaged("a directory or link has contents");
  const name = cut(header, 0, 100);
  const prefix = cut(header, 345, 155);
  return {
    type,
    name: prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from("/"), name]),
    mode: parseNumber(header, 100, 8) & 0o7777,
    sizeBytes,
    modifiedAt: new Date(parseNumber(header, 136, 12) * 1000),
    target: cut(header, 157, 100),
  };
}

const memberTypes: ReadonlyMap<number, TarMember["type"]> = new Map([
  [0x30, "file"],
  [0x00, "file"],
  [0x32, "symlink"],
  [0x35, "directory"],
]);

/**
 * Octal text ended by blanks or zero bytes, or with the top bit of the first byte set a big-endian number in the rest
 * (sizes above 8 GiB).
 */
function parseNumber(header: Uint8Array, from: number, length: number): number {
  const end = from + length;
  let value = 0;
  if (((header[from] as number) & 0x80) !== 0) {
    for (let at = from; at < end; at++) value = value * 256 + ((header[at] as number) & (at === from ? 0x7f : 0xff));
  } else {
    let at = from;
    for (; at < end && ((header[at] as number) & 0xf8) === 0x30; at++) value = value * 8 + ((header[at] as number) & 7);
    const isMalformed = at === from || header.subarray(at, end).some((byte) => byte !== 0 && byte !== 0x20);
    if (isMalformed) throw damaged("a number in a member's header is malformed");
  }
  if (!Number.isSafeInteger(value)) throw damaged("a number in a member's header is too large");
  return value;
}

/** The sum of the header's bytes with its checksum field taken as blanks. */
function headerSum(header: Uint8Array): number {
  let sum = 8 * 0x20;
  for (let index = 0; index < blockBytes; index++) if (index < 148 || index >= 156) sum += header[index] as number;
  return sum;
}

/** A copy of a field up to its first zero byte. */
function cut(header: Uint8Array, from: number, length: number): Uint8Array {
  const field = header.subarray(from, from + length);
  const end = field.indexOf(0);
  return new Uint8Array(field.subarray(0, end === -1 ? length : end));
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function isZero(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0) return false;
  return true;
}

function damaged(why: string): AppError {
  return new AppError("backup-stream-damaged", {
    message: `the server's archive cannot be read: ${why}`,
    hint: "nothing was kept of this copy; take the backup again",
  });
}
