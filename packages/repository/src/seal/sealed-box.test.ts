import { createCipheriv, createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { noise } from "../test-repository.ts";
import type { FrameSealing } from "../types.ts";
import { type BoxCompression, boxCodecs, compressionText, parseCompression } from "./compression.ts";
import { BoxDamaged, checkBox, openBox, openFrameBox, resealBox, sealBox, sealBoxInParts } from "./sealed-box.ts";

const sealing = (key: Uint8Array | null, place = "here", guardKey?: Uint8Array): FrameSealing => ({
  key,
  nonce: new Uint8Array(12),
  additionalData: new Uint8Array(Buffer.from(place)),
  ...(guardKey === undefined ? {} : { guardKey }),
});
const guardKey = new Uint8Array(32).fill(4);
const guarded = sealing(null, "here", guardKey);

const everyCompression: readonly BoxCompression[] = [
  { codec: "plain", level: 0 },
  { codec: "lz4", level: 0 },
  ...[1, 3, 9, 19].map((level) => ({ codec: "zstd", level }) as const),
  ...[1, 6, 9].map((level) => ({ codec: "gzip", level }) as const),
];

describe.each([
  ["encrypted", (place?: string) => sealing(new Uint8Array(32).fill(3), place)],
  ["guarded", (place?: string) => sealing(null, place, guardKey)],
  ["hashed", (place?: string) => sealing(null, place)],
])("a box, %s", (_, sealingAt) => {
  it("opens to what was sealed, whether it compresses or not", () => {
    const text = fc.uint8Array({ maxLength: 5_000 });
    const repetitive = fc
      .tuple(fc.nat(255), fc.nat(200_000))
      .map(([byte, length]) => new Uint8Array(length).fill(byte));
    fc.assert(
      fc.property(fc.oneof(text, repetitive), (plain) => {
        const opened = openBox(sealBox(plain, sealingAt()), sealingAt());
        expect(Buffer.compare(opened, plain)).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it("does not open with any one byte changed, cut off, or at another place", () => {
    const stored = sealBox(new Uint8Array(Buffer.from("some bytes some bytes some bytes")), sealingAt());
    for (let at = 0; at < stored.length; at++) {
      const changed = stored.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x80;
      expect(() => openBox(changed, sealingAt()), `byte ${at}`).toThrow(/match/);
      expect(() => openBox(stored.slice(0, at), sealingAt()), `cut at ${at}`).toThrow(/match|short/);
    }
    expect(() => openBox(stored, sealingAt("elsewhere"))).toThrow(/match/);
  });

  it("is the same box in memory that is there already, and leaves what is beside it alone", () => {
    const text = new Uint8Array(Buffer.from("id, name, amount, note;".repeat(4_000)));
    for (const plain of [text, noise(100_000, 5), new Uint8Array(0)]) {
      for (const compression of everyCompression) {
        const expected = sealBox(plain, sealingAt(), compression);
        const room = { apart: new Uint8Array(plain.length + 64), around: new Uint8Array(plain.length + 128).fill(7) };
        const inside = room.around.subarray(64, 64 + plain.length);
        inside.set(plain);
        expect(Buffer.compare(sealBox(inside, sealingAt(), compression, room), expected)).toBe(0);
        expect(Buffer.compare(inside, plain)).toBe(0);
        expect([...room.around.subarray(0, 59), ...room.around.subarray(96 + plain.length)]).toEqual(
          Array(59 + 32).fill(7),
        );
        const elsewhere = { apart: new Uint8Array(plain.length + 64), around: new Uint8Array(plain.length + 128) };
        expect(Buffer.compare(sealBox(inside, sealingAt(), compression, elsewhere), expected)).toBe(0);
        expect(elsewhere.around.every((byte) => byte === 0)).toBe(true);
        expect(Buffer.compare(Buffer.concat(sealBoxInParts(plain, sealingAt(), compression)), expected)).toBe(0);
      }
    }
  });

  it("is sealed again for any other kind of guard", () => {
    const plain = noise(5_000, 6);
    const from = sealingAt();
    for (const to of [sealing(new Uint8Array(32).fill(5), "there"), sealing(null, "there", guardKey), sealing(null)]) {
      const stored = resealBox(sealBox(plain, from), from, to);
      expect(Buffer.compare(stored, sealBox(plain, to))).toBe(0);
      checkBox(stored, to);
    }
  });
});

describe("a guard", () => {
  it("is the GMAC of place and body in one piece", () => {
    const body = Buffer.concat([Buffer.from([0, 9, 0, 0, 0]), Buffer.from("some text")]);
    const cipher = createCipheriv("aes-256-gcm", guardKey, guarded.nonce);
    cipher.setAAD(Buffer.concat([guarded.additionalData, body]));
    cipher.final();
    const stored = sealBox(Buffer.from("some text"), guarded);
    expect(Buffer.compare(stored, Buffer.concat([body, cipher.getAuthTag()]))).toBe(0);
  });

  it("is that of its key, of however many keys there are", () => {
    const keys = Array.from({ length: 40 }, (_, index) => new Uint8Array(32).fill(index));
    const seals = keys.map((key) => sealing(null, "here", key));
    const boxes = seals.map((one) => sealBox(new Uint8Array(9), one));
    expect(new Set(boxes.map((box) => Buffer.from(box).toString("hex"))).size).toBe(keys.length);
    for (const [index, one] of seals.entries()) {
      checkBox(boxes[index] ?? new Uint8Array(0), one);
      expect(() => checkBox(boxes[(index + 1) % boxes.length] ?? new Uint8Array(0), one)).toThrow(/guard/);
    }
  });

  it("tells a bit that flipped in the last byte of a long box", () => {
    const stored = sealBox(noise(64 * 1024 * 1024, 7), guarded, { codec: "plain", level: 0 });
    checkBox(stored, guarded);
    const at = stored.length - 17;
    stored[at] = (stored[at] ?? 0) ^ 1;
    expect(() => checkBox(stored, guarded)).toThrow(/guard/);
  });
});

describe.each(everyCompression)("a box by $codec $level", (compression) => {
  const repetitive = new Uint8Array(Buffer.from("id, name, amount, note;".repeat(4_000)));
  const codecIn = (stored: Uint8Array): number | undefined => stored[0];

  it("opens to what was sealed, and is plain where it would not shrink", () => {
    const plains = [repetitive, noise(100_000, 3), new Uint8Array(0), new Uint8Array(131_072), new Uint8Array([7])];
    for (const plain of plains) {
      const stored = sealBox(plain, sealing(null), compression);
      expect(Buffer.compare(openBox(stored, sealing(null)), plain)).toBe(0);
      expect(stored.length).toBeLessThanOrEqual(plain.length + 5 + 32);
    }
    expect(codecIn(sealBox(repetitive, sealing(null), compression))).toBe(boxCodecs[compression.codec]);
    expect(codecIn(sealBox(noise(100_000, 3), sealing(null), compression))).toBe(boxCodecs.plain);
  });

  it("refuses any other length than the one it holds, before it is made room for", () => {
    const stored = sealBox(repetitive, sealing(null), compression);
    for (const claimed of [0, 1, repetitive.length - 1, repetitive.length + 1, 500_000_000, 0xffff_ffff]) {
      const lie = reseal(stored, (body) => body.writeUInt32LE(claimed, 1));
      expect(() => openBox(lie, sealing(null)), `claims ${claimed}`).toThrow(BoxDamaged);
    }
  });

  it("never throws anything but damage for a payload that is none", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(100_000), (payload, claimed) => {
        const body = Buffer.alloc(5 + payload.length);
        body.writeUInt8(boxCodecs[compression.codec], 0);
        body.writeUInt32LE(claimed, 1);
        body.set(payload, 5);
        let opened: Uint8Array;
        try {
          opened = openBox(withHash(body), sealing(null));
        } catch (error) {
          expect(error).toBeInstanceOf(BoxDamaged);
          return;
        }
        expect(opened.length).toBe(claimed);
      }),
      { numRuns: 300 },
    );
  });
});

describe("a box of a frame", () => {
  it("is refused beyond what its directory says and beyond what a frame can be", () => {
    const stored = sealBox(new Uint8Array(200_000), sealing(null));
    expect(() => openFrameBox(stored, sealing(null), 100)).toThrow(/100 is the most/);
    expect(() => openFrameBox(stored, sealing(null), 200_000)).toThrow(/131072 is the most/);
    const frame = sealBox(new Uint8Array(131_072), sealing(null));
    expect(openFrameBox(frame, sealing(null), 131_072).length).toBe(131_072);
  });

  it("of a codec nobody knows is damaged", () => {
    const unknown = reseal(sealBox(new Uint8Array(9), sealing(null)), (body) => body.writeUInt8(4, 0));
    expect(() => openBox(unknown, sealing(null))).toThrow(/codec 4 is unknown/);
  });
});

describe("a compression setting", () => {
  it("is read from the text it is written as", () => {
    for (const text of ["zstd:1", "zstd:19", "gzip:1", "gzip:9", "lz4", "none", "auto"]) {
      expect(compressionText(parseCompression(text))).toBe(text);
    }
    expect(compressionText(parseCompression(" ZSTD "))).toBe("zstd:1");
    expect(compressionText(parseCompression("gzip"))).toBe("gzip:6");
  });

  it("is refused when there is no such algorithm or level", () => {
    const wrong = [
      "",
      "zstd:0",
      "zstd:20",
      "zstd:-1",
      "zstd:",
      "zstd:3:4",
      "gzip:10",
      "lz4:1",
      "auto:2",
      "brotli",
      "1",
    ];
    for (const text of wrong) expect(() => parseCompression(text), text).toThrow(/is no compression/);
  });
});

/** A box without encryption whose body was changed by somebody who can hash. */
function reseal(stored: Uint8Array, change: (body: Buffer) => void): Uint8Array {
  const body = Buffer.from(stored.subarray(0, stored.length - 32));
  change(body);
  return withHash(body);
}

function withHash(body: Uint8Array): Uint8Array {
  const { additionalData } = sealing(null);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(additionalData.length);
  const hash = createHash("blake2b512").update(length).update(additionalData).update(body).digest();
  return new Uint8Array(Buffer.concat([body, hash.subarray(0, 32)]));
}

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
