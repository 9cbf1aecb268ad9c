import { describe, expect, it } from "vitest";
import { combineCrc32c, crc32c, crc32cOfZeros } from "./crc32c.ts";

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
