import { AppError } from "@tidemark/kit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BackendMessage } from "./backend-messages.ts";
import { MessageReader } from "./message-reader.ts";

/** A backend message as the server would send it. */
function message(type: string, body: Uint8Array | string): Buffer {
  const bytes = Buffer.from(body);
  const head = Buffer.alloc(5);
  head.write(type, 0, "latin1");
  head.writeInt32BE(bytes.length + 4, 1);
  return Buffer.concat([head, bytes]);
}

const conversation = Buffer.concat([
  message("R", Buffer.from([0, 0, 0, 10, ...Buffer.from("SCRAM-SHA-256\0\0")])),
  message("R", Buffer.from([0, 0, 0, 0])),
  message("S", "server_version\x0018.4\0"),
  message("K", Buffer.from([0, 0, 1, 2, 9, 9, 9, 9])),
  message("Z", "I"),
  message("T", Buffer.concat([Buffer.from([0, 1]), Buffer.from("recptr\0"), Buffer.alloc(18)])),
  message("D", Buffer.from([0, 2, 0, 0, 0, 3, 0x30, 0x2f, 0x31, 0xff, 0xff, 0xff, 0xff])),
  message("C", "SELECT\0"),
  message("N", "SNOTICE\0VNOTICE\0C00000\0Mhello\0\0"),
  message("H", Buffer.from([0, 0, 0])),
  message("d", Buffer.alloc(70, 7)),
  message("d", ""),
  message("c", ""),
  message("E", "SFEHLER\0VERROR\0C58P01\0Mweg\0DDetail\0HTipp\0RCheckXLogRemoved\0\0"),
  message("A", "?"),
]);

const expected: BackendMessage[] = [
  { kind: "authentication", method: 10, payload: Buffer.from("SCRAM-SHA-256\0\0") },
  { kind: "authentication", method: 0, payload: Buffer.alloc(0) },
  { kind: "parameter-status", name: "server_version", value: "18.4" },
  { kind: "backend-key", processId: 258, secretKey: Buffer.from([9, 9, 9, 9]) },
  { kind: "ready" },
  { kind: "row-description", columns: ["recptr"], types: [0] },
  { kind: "data-row", values: [Buffer.from("0/1"), null] },
  { kind: "command-complete", tag: "SELECT" },
  {
    kind: "notice",
    report: { severity: "NOTICE", sqlState: "00000", message: "hello", detail: null, hint: null, routine: null },
  },
  { kind: "copy-out" },
  { kind: "copy-data", payload: Buffer.alloc(70, 7) },
  { kind: "copy-data", payload: Buffer.alloc(0) },
  { kind: "copy-done" },
  {
    kind: "error",
    report: {
      severity: "ERROR",
      sqlState: "58P01",
      message: "weg",
      detail: "Detail",
      hint: "Tipp",
      routine: "CheckXLogRemoved",
    },
  },
  { kind: "other", type: "A" },
];

/** Reads the pieces and keeps copies, since byte arrays are windows. */
function readAll(pieces: readonly Uint8Array[]): unknown[] {
  const reader = new MessageReader();
  const messages: unknown[] = [];
  for (const piece of pieces) {
    reader.push(piece);
    for (let next = reader.next(); next !== null; next = reader.next()) messages.push(plain(next));
  }
  return messages;
}

/** The same value with byte arrays as hex digits: copied, and comparable whatever their class. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

const wanted = expected.map(plain);

describe("MessageReader", () => {
  it("reads every kind of message", () => {
    expect(readAll([conversation])).toEqual(wanted);
  });

  it("reads the same when the bytes are split at any offset", () => {
    for (let at = 0; at <= conversation.length; at++) {
      expect(readAll([conversation.subarray(0, at), conversation.subarray(at)])).toEqual(wanted);
    }
  });

  it("reads the same byte by byte", () => {
    expect(readAll([...conversation].map((byte) => Uint8Array.of(byte)))).toEqual(wanted);
  });

  it("gives nothing of a message that is cut", () => {
    const reader = new MessageReader();
    reader.push(message("d", "abc").subarray(0, 7));
    expect(reader.next()).toBeNull();
    expect(reader.isAtBoundary).toBe(false);
  });

  it("gives what there is of a cut CopyData message where that is wanted, and joined it is the same", () => {
    const bodies = [0, 1, 31, 32, 33, 70, 1000].map((length) => Buffer.alloc(length, length % 251));
    const bytes = Buffer.concat([...bodies.map((body) => message("d", body)), message("Z", "I")]);
    for (const step of [...Array(80).keys(), 500, bytes.length]) {
      const reader = new MessageReader();
      reader.cutsCopyData = true;
      const joined: Buffer[] = [];
      let last: BackendMessage | null = null;
      for (let at = 0; at < bytes.length; at += step + 1) {
        reader.push(bytes.subarray(at, at + step + 1));
        for (let next = reader.next(); next !== null; next = reader.next()) {
          last = next;
          if (next.kind !== "copy-data") continue;
          if (next.isContinued === true) joined.push(Buffer.concat([joined.pop() ?? Buffer.alloc(0), next.payload]));
          else joined.push(Buffer.from(next.payload));
        }
      }
      expect(joined.map((body) => body.toString("hex"))).toEqual(bodies.map((body) => body.toString("hex")));
      expect([last, reader.isAtBoundary]).toEqual([{ kind: "ready" }, true]);
    }
  });

  it("grows for a message larger than its buffer", () => {
    const large = message("d", Buffer.alloc(300_000, 1));
    const pieces = [large.subarray(0, 100), large.subarray(100, 150_000), large.subarray(150_000)];
    expect(readAll(pieces)).toHaveLength(1);
  });

  it("refuses lengths no server sends before allocating for them", () => {
    for (const length of [0, 3, 0x7fffffff, 0xffffffff]) {
      const bytes = Buffer.from([0x64, 0, 0, 0, 0]);
      bytes.writeUInt32BE(length, 1);
      expect(() => readAll([bytes])).toThrow(AppError);
    }
  });

  it("answers any bytes with messages or protocol-violation", () => {
    const typed = fc.tuple(fc.constantFrom(..."RSKZTDCNEHdcA"), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(fc.array(typed), (list) => {
        try {
          readAll([Buffer.concat(list.map(([type, body]) => message(type, body)))]);
        } catch (error) {
          expect(error).toMatchObject({ code: "protocol-violation" });
        }
      }),
    );
  });
});
