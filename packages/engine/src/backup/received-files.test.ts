import { BackupManifestWriter, type Lsn } from "@tidemark/postgres";
import { describe, expect, it } from "vitest";
import { ManifestComparison, ReceivedFiles } from "./received-files.ts";

interface Listed {
  readonly name: string | Uint8Array;
  readonly size?: number;
  readonly crc?: number;
}

function manifestOf(files: readonly Listed[]): Uint8Array {
  const writer = new BackupManifestWriter();
  const parts = [writer.begin({ version: 1 })];
  for (const { name, size = 10, crc = 7 } of files) {
    const checksum = { algorithm: "CRC32C" as const, crc32c: crc };
    parts.push(writer.file({ path: Buffer.from(name as string), sizeBytes: size, modifiedAt: null, checksum }));
  }
  parts.push(writer.end([{ timeline: 1, startLsn: 1n as Lsn, endLsn: 2n as Lsn }]));
  return Buffer.concat(parts);
}

function receivedOf(files: readonly Listed[]): ReceivedFiles {
  const received = new ReceivedFiles();
  for (const { name, size = 10, crc = 7 } of files)
    received.setCrc(received.add(Buffer.from(name as string), size), crc);
  return received;
}

function compare(received: readonly Listed[], listed: readonly Listed[]): void {
  const comparison = new ManifestComparison(receivedOf(received));
  const bytes = manifestOf(listed);
  for (let at = 0; at < bytes.length; at += 333) comparison.push(bytes.subarray(at, at + 333));
  comparison.finish();
}

describe("ManifestComparison", () => {
  const latin1 = Uint8Array.from([0x62, 0xe9]);

  it("agrees when every file was received as listed, the WAL aside", () => {
    compare(
      [{ name: "a" }, { name: latin1, crc: 0xffffffff }, { name: "pg_wal/000000010000000000000001" }, { name: "b" }],
      [{ name: "a" }, { name: latin1, crc: 0xffffffff }, { name: "b" }],
    );
  });

  it.each([
    ["a file that was not received", [{ name: "a" }], [{ name: "a" }, { name: "b" }], "b is in the server's manifest"],
    ["a file that is not listed", [{ name: "a" }, { name: "b" }], [{ name: "a" }], "b was received"],
    ["another size", [{ name: "a", size: 11 }], [{ name: "a" }], "a has 11 bytes"],
    ["another checksum", [{ name: "a", crc: 8 }], [{ name: "a" }], "a arrived with another checksum"],
    [
      "a checksum that never came",
      [{ name: "a", crc: Number.NaN }],
      [{ name: "a" }],
      "a arrived with another checksum",
    ],
  ])("refuses %s and names the file", (_, received, listed, why) => {
    expect(() => compare(received, listed)).toThrow(why);
  });

  it("keeps many long paths apart", () => {
    const names = Array.from({ length: 5_000 }, (_, index) => ({
      name: `base/${"x".repeat(300 + (index % 90))}/${index}`,
      size: index,
      crc: index,
    }));
    compare(names, names);
  });
});
