import { describe, expect, it } from "vitest";
import { copyBytes } from "./copy-bytes.ts";

const roomBytes = 40_000;

function own(): Uint8Array {
  return new Uint8Array(roomBytes);
}

function shared(): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(roomBytes));
}

describe("copying bytes to, from and beside shared memory", () => {
  for (const [from, to] of [
    [own, shared],
    [shared, own],
    [shared, shared],
    [own, own],
  ] as const) {
    it(`copies exactly what it is given from ${from.name} to ${to.name}, wherever the two lie`, () => {
      for (const length of [0, 1, 7, 8, 9, 511, 16_384, 33_001]) {
        for (let place = 0; place < 64; place++) {
          const [begin, at] = [place & 7, place >> 3];
          const source = from();
          source.forEach((_, index) => {
            source[index] = (index * 31 + length) % 251;
          });
          const target = to().fill(255);
          if (place % 3 === 0) copyBytes(source, target.subarray(5), at, begin, begin + length);
          else copyBytes(source.subarray(begin, begin + length), target.subarray(5), at);
          const expected = own().fill(255);
          for (let index = 0; index < length; index++) expected[5 + at + index] = source[begin + index] as number;
          expect(Buffer.compare(target, expected), `${length} bytes from ${begin} to ${at}`).toBe(0);
        }
      }
    });
  }

  it("refuses what does not lie within both", () => {
    const [source, target] = [new Uint8Array(10), new Uint8Array(10)];
    expect(() => copyBytes(source, target, 1)).toThrow(RangeError);
    expect(() => copyBytes(source, target, -1)).toThrow(RangeError);
    expect(() => copyBytes(source, target, 0, 5, 11)).toThrow(RangeError);
    expect(() => copyBytes(source, target, 0, -1, 4)).toThrow(RangeError);
  });
});
