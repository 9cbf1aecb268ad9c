import { AppError } from "@tidemark/kit";
import { type BackendMessage, decodeMessage } from "./backend-messages.ts";

/**
 * Cuts the server's bytes into messages: one type byte, then an int32 that counts itself and the body but not the type
 * (PostgreSQL manual, "Message Formats"). No I/O: push bytes in, take messages out until there is none, push again.
 *
 * A message that lies whole in the pushed bytes is not copied; one that is cut is put together in a buffer of ours.
 * Either way its byte arrays are valid until the next call.
 */
export class MessageReader {
  /**
   * Give what there is of a CopyData message that is cut, at least `leastCutBytes` of it and then the rest as it comes,
   * instead of putting it together: for who takes its bytes one after the other anyway.
   */
  cutsCopyData = false;
  #input: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Of a CopyData message of which the beginning was given. */
  #missing = 0;
  /** The message that is being put together: `#held` bytes of it are in `#assembly`. */
  #assembly = new Uint8Array(65_536);
  #held = 0;

  /** Only when `next` returned null. The bytes must stay as they are until it does so again. */
  push(bytes: Uint8Array): void {
    if (this.#at < this.#input.length) throw new Error("bytes were pushed while messages are waiting to be taken");
    this.#input = bytes;
    this.#at = 0;
  }

  /**
   * The next whole message, or null when more bytes are needed.
   *
   * @throws AppError `protocol-violation` for a length no server sends.
   */
  next(): BackendMessage | null {
    if (this.#held > 0) return this.#assemble();
    const left = this.#input.length - this.#at;
    if (this.#missing > 0) return left === 0 ? null : this.#continue(Math.min(left, this.#missing));
    const total = left >= headerBytes ? messageBytes(this.#input, this.#at) : Number.POSITIVE_INFINITY;
    if (left < total) {
      if (this.cutsCopyData && left >= headerBytes + leastCutBytes && this.#input[this.#at] === copyData) {
        this.#missing = total - left;
        this.#at = this.#input.length;
        return decodeMessage(copyData, this.#input.subarray(this.#input.length - left + headerBytes));
      }
      this.#fill(left);
      return null;
    }
    const from = this.#at;
    this.#at += total;
    return decodeMessage(this.#input[from] as number, this.#input.subarray(from + headerBytes, this.#at));
  }

  /** True between messages: where a connection may end without cutting one. */
  get isAtBoundary(): boolean {
    return this.#held === 0 && this.#missing === 0 && this.#at === this.#input.length;
  }

  #continue(length: number): BackendMessage {
    this.#missing -= length;
    this.#at += length;
    return { kind: "copy-data", payload: this.#input.subarray(this.#at - length, this.#at), isContinued: true };
  }

  #assemble(): BackendMessage | null {
    if (this.#held < headerBytes) {
      this.#fill(Math.min(headerBytes - this.#held, this.#input.length - this.#at));
      if (this.#held < headerBytes) return null;
    }
    const total = messageBytes(this.#assembly, 0);
    this.#fill(Math.min(total - this.#held, this.#input.length - this.#at));
    if (this.#held < total) return null;
    this.#held = 0;
    return decodeMessage(this.#assembly[0] as number, this.#assembly.subarray(headerBytes, total));
  }

  /** Moves `length` bytes of input into the assembly buffer. */
  #fill(length: number): void {
    if (this.#held + length > this.#assembly.length) {
      const larger = new Uint8Array(Math.max(this.#held + length, this.#assembly.length * 2));
      larger.set(this.#assembly.subarray(0, this.#held));
      this.#assembly = larger;
    }
    this.#assembly.set(this.#input.subarray(this.#at, this.#at + length), this.#held);
    this.#held += length;
    this.#at += length;
  }
}

const headerBytes = 5;
const copyData = 0x64;
/** More than any head that the payload of a CopyData message has of its own. */
const leastCutBytes = 32;
/** Nothing a walsender says is near this; a larger length is not PostgreSQL talking, and must not be allocated. */
const maxMessageBytes = 64 << 20;

function messageBytes(bytes: Uint8Array, at: number): number {
  const length =
    (((bytes[at + 1] as number) << 24) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 8) |
      (bytes[at + 4] as number)) >>>
    0;
  if (length < 4 || length > maxMessageBytes) {
    throw new AppError("protocol-violation", {
      message: `the server announced a message of ${length} bytes`,
      hint: "is this a PostgreSQL server, and is nothing between us that changes the bytes?",
    });
  }
  return length + 1;
}
