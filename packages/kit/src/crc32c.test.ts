import { describe, expect, it } from "vitest";
import { combineCrc32c, crc32c, crc32cOfPages, crc32cOfZeros } from "./crc32c.ts";

const bytes = (length: number, seed = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 2654435761 + seed * 40503) >>> 13);

describe("crc32c", () => {
  it("gives the published values of RFC 3720 B.4 and the check value of the catalogue", () => {
    expect(crc32c(new TextEncoder().encode("123456789"))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index))).toBe(0x46dd794e);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, index) => 31 - index))).toBe(0x113fdb5c);
    expect(crc32c(new Uint8Array(0))).toBe(0);
  });

  it("is the same whether bytes come at once or split at any offset", () => {
    const whole = bytes(100);
    for (let at = 0; at <= whole.length; at++) {
      expect(crc32c(whole.subarray(at), crc32c(whole.subarray(0, at)))).toBe(crc32c(whole));
    }
  });

  it("does not depend on where in memory the bytes begin or how many there are", () => {
    const bitwise = (part: Uint8Array): number => {
      let crc = -1;
      for (const byte of part) {
        crc ^= byte;
        for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
      }
      return ~crc >>> 0;
    };
    const whole = bytes(1_000, 3);
    for (let from = 0; from < 20; from++) {
      for (const length of [0, 1, 15, 16, 17, 255, 256, 257, 271, 700, 980]) {
        const part = whole.subarray(from, from + length);
        expect(crc32c(part)).toBe(bitwise(part));
      }
    }
  });

  it("gives the checksum of every page, of a last one that is not whole too, wherever they lie", () => {
    const memory = bytes(13 * 8192, 5);
    for (const from of [0, 1, 4]) {
      for (const length of [0, 100, 8192, 3 * 8192, 4 * 8192, 9 * 8192 + 5, 12 * 8192]) {
        const part = memory.subarray(from, from + length);
        const crcs = new Uint32Array(15).fill(7);
        crc32cOfPages(part, crcs, 1);
        const pages = Math.ceil(length / 8192);
        const expected = Array.from({ length: pages }, (_, page) =>
          crc32c(part.subarray(page * 8192, (page + 1) * 8192)),
        );
        expect([...crcs]).toEqual([7, ...expected, ...Array(14 - pages).fill(7)]);
      }
    }
  });

  it("combines two checksums without the bytes, past 4 GiB too", () => {
    const whole = bytes(300, 7);
    for (let at = 0; at <= whole.length; at++) {
      const a = crc32c(whole.subarray(0, at));
      const b = crc32c(whole.subarray(at));
      expect(combineCrc32c(a, b, whole.length - at)).toBe(crc32c(whole));
    }
    for (const pages of [1, 2, 3, 15, 16, 31, 32, 33]) {
      const a = crc32c(whole);
      const b = bytes(pages * 8192, pages);
      expect(combineCrc32c(a, crc32c(b), b.length)).toBe(crc32c(b, a));
    }
    const half = combineCrc32c(1234567, 7654321, 5n << 30n);
    const steps = combineCrc32c(combineCrc32c(1234567, 0, 2n << 30n), 7654321, 3n << 30n);
    expect(steps).toBe(half);
  });

  it("knows the checksum of zeros without going through them", () => {
    for (const length of [0, 1, 7, 8192, 131_072, 300_001]) {
      expect(crc32cOfZeros(length)).toBe(crc32c(new Uint8Array(length)));
    }
    const twoHalves = combineCrc32c(crc32cOfZeros(3n << 40n), crc32cOfZeros(3n << 40n), 3n << 40n);
    expect(crc32cOfZeros(6n << 40n)).toBe(twoHalves);
  });
});
