import { BackupManifestReader, type Lsn } from "@tidemark/postgres";
import type { ManifestReader } from "@tidemark/repository";
import { describe, expect, it } from "vitest";
import { LimitBlocks } from "./limit-blocks.ts";
import { composeUpload, type UploadRequest } from "./upload-manifest.ts";

const files = [
  "PG_VERSION",
  "backup_label",
  "base/5/16384",
  "base/5/16384.1",
  "base/5/16384_fsm",
  "base/5/16384_vm",
  "base/5/16390_init",
  "base/5/16400",
  "base/5/16401",
  "base/5/16402",
  "base/5/pg_filenode.map",
  "global/1262",
  "global/pg_control",
  "pg_tblspc/16500/PG_18_202506291/5/16600",
];
const systemIdentifier = 7_312_345_678_901_234_567n;
const parentOf = (paths: readonly string[]) =>
  ({
    backup: { facts: { systemIdentifier } },
    files: async function* () {
      for (const [at, path] of paths.entries()) {
        const sizeBytes = path === "base/5/16400" ? 0n : 8192n;
        yield {
          path: Buffer.from(path),
          sizeBytes,
          crc32c: at,
          mode: 0o600,
          modifiedAt: new Date(0),
          runs: 1,
          smallRuns: 0,
        };
      }
    },
  }) as unknown as ManifestReader;

async function compose(changes: Partial<UploadRequest> = {}) {
  const leftOut = { files: 0, bytes: 0n };
  const request: UploadRequest = {
    parent: parentOf(files),
    writer: { parentFile: async () => ({ sizeBytes: 8192n }) },
    walRanges: [
      { timeline: 2, startLsn: 0x5000000n, endLsn: 0x5000100n },
      { timeline: 1, startLsn: 0x4000028n, endLsn: 0x5000000n },
    ],
    cut: new LimitBlocks([]),
    resends: () => false,
    signal: new AbortController().signal,
    ...changes,
  };
  const reader = new BackupManifestReader();
  const listed = [];
  let pieces = 0;
  for await (const piece of composeUpload(request, leftOut)) {
    pieces++;
    listed.push(...reader.push(piece));
  }
  return {
    facts: reader.finish(),
    listed,
    leftOut,
    pieces,
    paths: listed.map(({ path }) => Buffer.from(path).toString()),
  };
}

describe("composeUpload", () => {
  it("is a genuine manifest of the main and init forks, with the server's identity and the parent's WAL", async () => {
    const { facts, listed, paths, leftOut } = await compose();
    expect(facts).toEqual({
      version: 2,
      systemIdentifier,
      walRanges: [
        { timeline: 2, startLsn: 0x5000000n as Lsn, endLsn: 0x5000100n as Lsn },
        { timeline: 1, startLsn: 0x4000028n as Lsn, endLsn: 0x5000000n as Lsn },
      ],
    });
    expect(paths).toEqual([
      "base/5/16384",
      "base/5/16384.1",
      "base/5/16390_init",
      "base/5/16401",
      "base/5/16402",
      "global/1262",
      "pg_tblspc/16500/PG_18_202506291/5/16600",
    ]);
    expect(listed[0]).toMatchObject({ sizeBytes: 8192, checksum: { algorithm: "CRC32C", crc32c: 2 } });
    // The visibility map.
    expect(leftOut).toEqual({ files: 1, bytes: 8192n });
  });

  it.each([
    [
      "the chooser picks",
      { resends: ({ path }: { path: Uint8Array }) => Buffer.from(path).toString() === "base/5/16401" },
    ],
    [
      "the repository cannot lay anything over",
      {
        writer: {
          parentFile: async (path: Uint8Array) =>
            Buffer.from(path).toString() === "base/5/16401" ? null : { sizeBytes: 8192n },
        },
      },
    ],
    [
      "was cut",
      {
        cut: new LimitBlocks([{ tablespaceOid: 1663, databaseOid: 5, relfilenode: 16401, fork: "main", block: 4 }]),
      },
    ],
  ])("leaves out a file (%s), and counts it", async (_, changes) => {
    const { paths, leftOut } = await compose(changes);
    expect(paths).not.toContain("base/5/16401");
    expect(paths).toHaveLength(6);
    expect(leftOut).toEqual({ files: 2, bytes: 16_384n });
  });

  it("comes in pieces, whatever its length", async () => {
    const many = Array.from({ length: 5_000 }, (_, at) => `base/5/${20_000 + at}`);
    const { paths, pieces } = await compose({ parent: parentOf(many) });
    expect(paths).toEqual(many);
    expect(pieces).toBeGreaterThan(5);
  });

  it("may list nothing at all", async () => {
    expect((await compose({ resends: () => true })).paths).toEqual([]);
  });
});
