import { AppError } from "@tidemark/kit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OpenedSocket } from "../connection/socket.ts";
import { type Answer, readAnswer } from "./read-answer.ts";
import { WireSession } from "./wire-session.ts";

/** A backend message as the server would send it. */
function message(type: string, body: Uint8Array | string): Buffer {
  const bytes = Buffer.from(body);
  const head = Buffer.alloc(5);
  head.write(type, 0, "latin1");
  head.writeInt32BE(bytes.length + 4, 1);
  return Buffer.concat([head, bytes]);
}

/** A session whose server sends these chunks and closes. */
function sessionWith(chunks: readonly Uint8Array[]): WireSession {
  const rest = [...chunks];
  const source = { read: async () => rest.shift() ?? null, fail: () => undefined };
  return new WireSession({ source, socket: {}, tls: null } as unknown as OpenedSocket, undefined);
}

async function outcome(chunks: readonly Uint8Array[]): Promise<Answer | string> {
  try {
    return await readAnswer(sessionWith(chunks));
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}

const column = (name: string, type: number): Buffer => {
  const facts = Buffer.alloc(18);
  facts.writeInt32BE(type, 6);
  return Buffer.concat([Buffer.from(`${name}\0`), facts]);
};
const answer = Buffer.concat([
  message("1", ""),
  message("2", ""),
  message("T", Buffer.concat([Buffer.from([0, 2]), column("n", 23), column("bytes", 17)])),
  message("D", Buffer.from([0, 2, 0, 0, 0, 2, 0x34, 0x32, 0, 0, 0, 3, 0xff, 0, 0xc3])),
  message("N", "SNOTICE\0VNOTICE\0C00000\0Mhello\0\0"),
  message("D", Buffer.from([0, 2, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])),
  message("C", "SELECT 2\0"),
  message("S", "TimeZone\0UTC\0"),
  message("Z", "I"),
]);
const refusal = Buffer.concat([message("E", "SFEHLER\0VERROR\0C22012\0Mnull\0Rint4div\0\0"), message("Z", "I")]);
const rows = [
  [Buffer.from("42"), Buffer.from([0xff, 0, 0xc3])],
  [null, Buffer.alloc(0)],
];

describe("readAnswer", () => {
  it("reads the same answer wherever the stream is cut in two", async () => {
    for (let at = 0; at <= answer.length; at++) {
      const got = await outcome([answer.subarray(0, at), answer.subarray(at)].filter((chunk) => chunk.length > 0));
      expect(got).toEqual({
        columns: [
          { name: "n", type: 23 },
          { name: "bytes", type: 17 },
        ],
        rows,
        error: null,
      });
    }
    expect(await outcome([...answer].map((byte) => Buffer.of(byte)))).toMatchObject({ rows });
  });

  it("calls an answer that ends early lost, at whatever byte", async () => {
    for (let at = 0; at < answer.length; at++) expect(await outcome([answer.subarray(0, at)])).toBe("connection-lost");
  });

  it("gives a refusal when the server is ready again, and a fatal one at once", async () => {
    expect(await outcome([refusal])).toMatchObject({ rows: [], error: { sqlState: "22012", routine: "int4div" } });
    const fatal = message("E", "SFATAL\0VFATAL\0C57P01\0Mbye\0\0");
    expect(await outcome([fatal])).toMatchObject({ error: { severity: "FATAL", sqlState: "57P01" } });
  });

  it.each([
    ["a row before its columns", message("D", Buffer.from([0, 1, 0, 0, 0, 0]))],
    ["a copy", message("G", Buffer.from([0, 0, 0]))],
    ["a login", message("R", Buffer.from([0, 0, 0, 0]))],
    ["an unknown message", message("y", "")],
  ])("refuses %s", async (_what, bytes) => {
    expect(await outcome([bytes, message("Z", "I")])).toBe("protocol-violation");
  });

  it("answers any bytes with an answer, a violation or a loss, and never more rows than were sent", async () => {
    const mutated = fc.array(fc.tuple(fc.nat({ max: answer.length - 1 }), fc.nat({ max: 255 })), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(mutated, fc.integer({ min: 1, max: 40 }), async (changes, step) => {
        const bytes = Buffer.from(answer);
        for (const [at, value] of changes) bytes[at] = value;
        const chunks = Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) =>
          bytes.subarray(i * step, (i + 1) * step),
        );
        const got = await outcome(chunks);
        if (typeof got === "string") expect(["protocol-violation", "connection-lost"]).toContain(got);
        else expect(got.rows.length).toBeLessThanOrEqual(answer.length / 11);
      }),
      { numRuns: 400 },
    );
  });
});
