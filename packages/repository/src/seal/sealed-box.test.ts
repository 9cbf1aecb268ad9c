import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import type { FrameSealing } from "../types.ts";
import { openBox, sealBox } from "./sealed-box.ts";

const sealing = (key: Uint8Array | null, place = "here"): FrameSealing => ({
  key,
  nonce: new Uint8Array(12),
  additionalData: new Uint8Array(Buffer.from(place)),
});

describe.each([
  ["encrypted", new Uint8Array(32).fill(3)],
  ["not encrypted", null],
])("a box, %s", (_, key) => {
  it("opens to what was sealed, whether it compresses or not", () => {
    const text = fc.uint8Array({ maxLength: 5_000 });
    const repetitive = fc
      .tuple(fc.nat(255), fc.nat(200_000))
      .map(([byte, length]) => new Uint8Array(length).fill(byte));
    fc.assert(
      fc.property(fc.oneof(text, repetitive), (plain) => {
        const opened = openBox(sealBox(plain, sealing(key)), sealing(key));
        expect(Buffer.compare(opened, plain)).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it("does not open with any one byte changed, cut off, or at another place", () => {
    const stored = sealBox(new Uint8Array(Buffer.from("some bytes some bytes some bytes")), sealing(key));
    for (let at = 0; at < stored.length; at++) {
      const changed = stored.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x80;
      expect(() => openBox(changed, sealing(key)), `byte ${at}`).toThrow(/match/);
      expect(() => openBox(stored.slice(0, at), sealing(key)), `cut at ${at}`).toThrow(/match|short/);
    }
    expect(() => openBox(stored, sealing(key, "elsewhere"))).toThrow(/match/);
  });
});

describe("numbers and texts in objects", () => {
  it("are read as they were written", () => {
    const unsigned = fc.maxSafeNat();
    const signed = fc.maxSafeInteger().map((value) => Math.trunc(value / 2) + 0);
    fc.assert(
      fc.property(unsigned, signed, fc.uint8Array(), (value, offset, bytes) => {
        const writer = new ByteWriter(1).varint(value).signed(offset).u64(value).sized(bytes).fixedText("abc", 5).u8(9);
        const reader = new ByteReader(writer.take());
        expect([reader.varint(), reader.signed(), reader.u64()]).toEqual([value, offset, value]);
        expect(reader.sized()).toEqual(bytes);
        expect([reader.fixedText(5), reader.u8(), reader.done]).toEqual(["abc", 9, true]);
      }),
    );
  });

  it("that go past the end or beyond 2^53 are refused", () => {
    expect(() => new ByteReader(Uint8Array.from([0x80])).varint()).toThrow(RangeError);
    expect(() => new ByteReader(new Uint8Array(12).fill(0xff)).varint()).toThrow(RangeError);
    expect(() => new ByteReader(new Uint8Array(3)).u32()).toThrow(RangeError);
    expect(() => new ByteReader(Uint8Array.from([5, 1])).sized()).toThrow(RangeError);
    expect(() => new ByteReader(Uint8Array.from([65, 0, 66])).fixedText(3)).toThrow(RangeError);
    expect(() => new ByteWriter().varint(2 ** 53)).toThrow(RangeError);
  });
});
