import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ManifestFacts, ManifestFile } from "./backup-manifest.ts";
import { BackupManifestReader } from "./backup-manifest-reader.ts";
import { BackupManifestWriter } from "./backup-manifest-writer.ts";
import { parseLsn, toLsn } from "./lsn.ts";

/** Written by PostgreSQL 17 (shortened, its checksum computed anew). */
const genuine = `{ "PostgreSQL-Backup-Manifest-Version": 2,
"System-Identifier": 7710584558360780326,
"Files": [
{ "Path": "backup_label", "Size": 226, "Last-Modified": "2026-11-20 20:41:54 GMT", "Checksum-Algorithm": "CRC32C", "Checksum": "240fc6fb" },
{ "Encoded-Path": "62617365ff", "Size": 0, "Last-Modified": "2026-11-20 20:41:54 GMT", "Checksum-Algorithm": "CRC32C", "Checksum": "00000000" },
{ "Path": "base/1/1259", "Size": 98304, "Last-Modified": "2026-11-20 20:41:54 GMT" }
],
"WAL-Ranges": [
{ "Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "0/2000120" }
],
"Manifest-Checksum": "b67fb4fe19a82a0a5fb30a26dba0d1f28e3f7f48e44f4d5c7b0c0e8a9a1ac0a5"}
`;

function read(pieces: readonly Uint8Array[]): { files: ManifestFile[]; facts: ManifestFacts } {
  const reader = new BackupManifestReader();
  const files = pieces.flatMap((piece) => reader.push(piece));
  return { files, facts: reader.finish() };
}

function write(files: readonly ManifestFile[], facts: ManifestFacts): Buffer {
  const writer = new BackupManifestWriter();
  const { version, systemIdentifier } = facts;
  const head = version === 2 && systemIdentifier !== null ? { version, systemIdentifier } : ({ version: 1 } as const);
  return Buffer.concat([writer.begin(head), ...files.map((file) => writer.file(file)), writer.end(facts.walRanges)]);
}

const sample: ManifestFile[] = [
  {
    path: Buffer.from("backup_label"),
    sizeBytes: 226,
    modifiedAt: new Date("2026-11-20T20:41:54Z"),
    checksum: { algorithm: "CRC32C", crc32c: 0xfbc60f24 },
  },
  {
    path: Buffer.from([0x62, 0x61, 0x73, 0x65, 0xff]),
    sizeBytes: 0,
    modifiedAt: new Date("2026-11-20T20:41:54Z"),
    checksum: { algorithm: "CRC32C", crc32c: 0 },
  },
  { path: Buffer.from("base/1/1259"), sizeBytes: 98_304, modifiedAt: new Date("2026-11-20T20:41:54Z"), checksum: null },
];
const sampleFacts: ManifestFacts = {
  version: 2,
  systemIdentifier: 7710584558360780326n,
  walRanges: [{ timeline: 1, startLsn: parseLsn("0/2000028"), endLsn: parseLsn("0/2000120") }],
};

describe("BackupManifestWriter", () => {
  it("writes byte for byte what a server writes", () => {
    const trailer = genuine.indexOf('"Manifest-Checksum"');
    expect(write(sample, sampleFacts).toString("latin1").slice(0, trailer)).toBe(genuine.slice(0, trailer));
  });
});

describe("BackupManifestReader", () => {
  const whole = write(sample, sampleFacts);
  const plain = ({ files, facts }: ReturnType<typeof read>): unknown => ({
    files: files.map((file) => ({ ...file, path: Buffer.from(file.path).toString("hex") })),
    facts,
  });
  const wanted = plain({ files: sample, facts: sampleFacts });

  it("reads the same when the bytes are split at any offset", () => {
    for (let at = 0; at <= whole.length; at++)
      expect(plain(read([whole.subarray(0, at), whole.subarray(at)]))).toEqual(wanted);
    expect(plain(read([...whole].map((byte) => Uint8Array.of(byte))))).toEqual(wanted);
  });

  it("refuses every truncation", () => {
    for (let length = 0; length < whole.length - 1; length++) {
      expect(() => read([whole.subarray(0, length)])).toThrow(
        expect.objectContaining({ code: "backup-manifest-mismatch" }),
      );
    }
  });

  it("refuses a change of any byte", () => {
    for (let at = 0; at < whole.length - 1; at++) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] as number) ^ 1;
      expect(() => read([changed])).toThrow(expect.objectContaining({ code: "backup-manifest-mismatch" }));
    }
  });

  it("refuses a checksum that is not the bytes'", () => {
    expect(() => read([Buffer.from(genuine)])).toThrow(/its own checksum is wrong/);
  });

  it("reads back what the writer writes, with any name, size and 64-bit identifier", () => {
    const path = fc.oneof(
      fc
        .string({ minLength: 1, unit: "binary" })
        .filter((name) => name.isWellFormed())
        .map((name) => Buffer.from(name)),
      fc.uint8Array({ minLength: 1, maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
    );
    const file: fc.Arbitrary<ManifestFile> = fc.record({
      path,
      sizeBytes: fc.maxSafeNat(),
      modifiedAt: fc.option(fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => new Date(seconds * 1000))),
      checksum: fc.oneof(
        fc.constant(null),
        fc.integer({ min: 0, max: 0xffffffff }).map((crc) => ({ algorithm: "CRC32C", crc32c: crc }) as const),
        fc.constant({ algorithm: "SHA256", hex: "ab".repeat(32) } as const),
      ),
    });
    const lsn = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map(toLsn);
    const walRanges = fc.array(fc.record({ timeline: fc.nat(), startLsn: lsn, endLsn: lsn }), { minLength: 1 });
    const facts: fc.Arbitrary<ManifestFacts> = fc.oneof(
      fc.record({ version: fc.constant(1 as const), systemIdentifier: fc.constant(null), walRanges }),
      fc.record({
        version: fc.constant(2 as const),
        systemIdentifier: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
        walRanges,
      }),
    );
    fc.assert(
      fc.property(fc.array(file), facts, (files, head) => {
        expect(plain(read([write(files, head)]))).toEqual(plain({ files, facts: head }));
      }),
    );
  });

  it("bounds the memory a line can take", () => {
    const reader = new BackupManifestReader();
    reader.push(Buffer.from('{ "PostgreSQL-Backup-Manifest-Version": 1,\n"Files": [\n'));
    expect(() => {
      for (let piece = 0; piece < 100; piece++) reader.push(Buffer.alloc(1024, 0x61));
    }).toThrow(/longer than/);
  });
});
