import { AppError } from "@tidemark/kit";

/** The fields of ErrorResponse and NoticeResponse we use (PostgreSQL manual, "Error and Notice Message Fields"). */
export interface ServerReport {
  /** Not translated: `ERROR`, `FATAL`, `PANIC`, `WARNING`, `NOTICE` … */
  readonly severity: string;
  readonly sqlState: string;
  /** In the server's language: for people only. */
  readonly message: string;
  readonly detail: string | null;
  readonly hint: string | null;
  /** The C function that reported it: the same in every language. */
  readonly routine: string | null;
}

/** A message of the server. Byte arrays are windows on the input: valid until the reader is asked for the next one. */
export type BackendMessage =
  | { readonly kind: "authentication"; readonly method: number; readonly payload: Uint8Array }
  | { readonly kind: "parameter-status"; readonly name: string; readonly value: string }
  | { readonly kind: "backend-key"; readonly processId: number; readonly secretKey: Uint8Array }
  | { readonly kind: "ready" }
  | {
      readonly kind: "row-description";
      readonly columns: readonly string[];
      /** The OID of each column's type (pg_type). */
      readonly types: readonly number[];
    }
  | { readonly kind: "data-row"; readonly values: readonly (Uint8Array | null)[] }
  | { readonly kind: "command-complete"; readonly tag: string }
  | { readonly kind: "error"; readonly report: ServerReport }
  | { readonly kind: "notice"; readonly report: ServerReport }
  | { readonly kind: "copy-out" }
  | { readonly kind: "copy-in" }
  | { readonly kind: "copy-both" }
  | {
      readonly kind: "copy-data";
      readonly payload: Uint8Array;
      /** The payload goes on where that of the message before ended: see `MessageReader.cutsCopyData`. */
      readonly isContinued?: true;
    }
  | { readonly kind: "copy-done" }
  | { readonly kind: "other"; readonly type: string };

/**
 * Decodes a message's body.
 *
 * @throws AppError `protocol-violation` when the body is shorter than its own lengths say.
 */
export function decodeMessage(type: number, body: Uint8Array): BackendMessage {
  // 'd': nearly all there are, and nothing of it is read here.
  if (type === 0x64) return { kind: "copy-data", payload: body };
  const cursor = new Cursor(body);
  switch (type) {
    case 0x44: // 'D'
      return { kind: "data-row", values: readValues(cursor) };
    case 0x54: // 'T'
      return { kind: "row-description", ...readColumns(cursor) };
    case 0x43: // 'C'
      return { kind: "command-complete", tag: cursor.text() };
    case 0x5a: // 'Z'
      return { kind: "ready" };
    case 0x45: // 'E'
      return { kind: "error", report: readReport(cursor) };
    case 0x4e: // 'N'
      return { kind: "notice", report: readReport(cursor) };
    case 0x53: // 'S'
      return { kind: "parameter-status", name: cursor.text(), value: cursor.text() };
    case 0x4b: // 'K': the key has 4 bytes in protocol 3.0 and up to 256 in 3.2.
      return { kind: "backend-key", processId: cursor.int32(), secretKey: new Uint8Array(cursor.rest()) };
    case 0x52: // 'R'
      return { kind: "authentication", method: cursor.int32(), payload: cursor.rest() };
    case 0x48: // 'H'
      return { kind: "copy-out" };
    case 0x47: // 'G'
      return { kind: "copy-in" };
    case 0x57: // 'W'
      return { kind: "copy-both" };
    case 0x63: // 'c'
      return { kind: "copy-done" };
    default:
      return { kind: "other", type: String.fromCharCode(type) };
  }
}

/** Reads a body from front to back, never past its end. Numbers are big-endian. */
export class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  byte(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  int16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4));
  }

  /** Text up to a zero byte. What is not UTF-8 (another lc_messages encoding before login) is shown as U+FFFD. */
  text(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end === -1) throw truncated();
    const text = decoder.decode(this.#bytes.subarray(this.#at, end));
    this.#at = end + 1;
    return text;
  }

  take(length: number): Uint8Array {
    const from = this.#advance(length);
    return this.#bytes.subarray(from, from + length);
  }

  rest(): Uint8Array {
    return this.take(this.#bytes.length - this.#at);
  }

  #advance(length: number): number {
    const from = this.#at;
    if (length < 0 || from + length > this.#bytes.length) throw truncated();
    this.#at = from + length;
    return from;
  }
}

const decoder = new TextDecoder();

function readValues(cursor: Cursor): (Uint8Array | null)[] {
  const count = cursor.int16();
  const values: (Uint8Array | null)[] = [];
  for (let index = 0; index < count; index++) {
    const length = cursor.int32();
    values.push(length === -1 ? null : cursor.take(length));
  }
  return values;
}

function readColumns(cursor: Cursor): { columns: string[]; types: number[] } {
  const count = cursor.int16();
  const columns: string[] = [];
  const types: number[] = [];
  for (let index = 0; index < count; index++) {
    columns.push(cursor.text());
    // table OID and column number before the type; type length, type modifier and format after it
    cursor.take(4 + 2);
    types.push(cursor.int32() >>> 0);
    cursor.take(2 + 4 + 2);
  }
  return { columns, types };
}

function readReport(cursor: Cursor): ServerReport {
  const fields = new Map<string, string>();
  for (let field = cursor.byte(); field !== 0; field = cursor.byte())
    fields.set(String.fromCharCode(field), cursor.text());
  return {
    severity: fields.get("V") ?? fields.get("S") ?? "ERROR",
    sqlState: fields.get("C") ?? "XX000",
    message: fields.get("M") ?? "",
    detail: fields.get("D") ?? null,
    hint: fields.get("H") ?? null,
    routine: fields.get("R") ?? null,
  };
}

function truncated(): AppError {
  return new AppError("protocol-violation", {
    message: "the server sent a message that is shorter than its own lengths say",
    hint: "is this a PostgreSQL server, and is nothing between us that changes the bytes?",
  });
}
