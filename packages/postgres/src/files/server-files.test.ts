import { crc32c } from "@tidemark/kit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBackupLabel } from "./backup-label.ts";
import { noLsn, parseLsn } from "./lsn.ts";
import { checkPages, pageChecksum } from "./page-checksum.ts";
import { parsePgControl } from "./pg-control.ts";
import { firstBlockOfFile, isRelationFile, parseRelationPath } from "./relation-file.ts";
import { encodeTablespaceMap, parseTablespaceMap } from "./tablespace-map.ts";
import { parseTimelineHistory } from "./timeline-history.ts";

describe("parseBackupLabel", () => {
  const label = (from: string): string =>
    [
      "START WAL LOCATION: 0/2000028 (file 000000010000000000000002)",
      "CHECKPOINT LOCATION: 0/2000080",
      "BACKUP METHOD: streamed",
      `BACKUP FROM: ${from}`,
      "START TIME: 2026-11-21 11:03:11 UTC",
      "LABEL: nightly: of prod",
      "START TIMELINE: 1",
      "",
    ].join("\n");

  it("reads every line, and 13's word for a primary", () => {
    expect(parseBackupLabel(label("master"))).toEqual({
      startLsn: parseLsn("0/2000028"),
      startWalFile: "000000010000000000000002",
      checkpointLsn: parseLsn("0/2000080"),
      method: "streamed",
      takenFrom: "primary",
      startTime: "2026-11-21 11:03:11 UTC",
      label: "nightly: of prod",
      startTimeline: 1,
      incrementalFromLsn: null,
      incrementalFromTimeline: null,
    });
    expect(parseBackupLabel(label("standby")).takenFrom).toBe("standby");
    const incremental = `${label("primary")}INCREMENTAL FROM LSN: 0/1000028\nINCREMENTAL FROM TLI: 1\n`;
    expect(parseBackupLabel(incremental)).toMatchObject({ incrementalFromLsn: 0x1000028n, incrementalFromTimeline: 1 });
  });

  it("refuses a label that lacks a line, repeats one or has one we do not know", () => {
    const lines = label("primary").trimEnd().split("\n");
    for (const line of lines) {
      const without = lines.filter((other) => other !== line).join("\n");
      expect(() => parseBackupLabel(without)).toThrow(expect.objectContaining({ code: "backup-stream-damaged" }));
      expect(() => parseBackupLabel([...lines, line].join("\n"))).toThrow(/repeated/);
    }
    expect(() => parseBackupLabel(`${label("primary")}SURPRISE: 1\n`)).toThrow(/SURPRISE/);
  });

  it("answers any text with a label or a code", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => parseBackupLabel(text)).toThrow(expect.objectContaining({ code: "backup-stream-damaged" }));
      }),
    );
  });
});

describe("tablespace_map", () => {
  it("is read back as written, with any bytes in a path", () => {
    const entry = fc.record({
      oid: fc.integer({ min: 1, max: 0xffffffff }),
      path: fc.uint8Array({ minLength: 1 }).map((bytes) => Buffer.from(bytes)),
    });
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const read = parseTablespaceMap(encodeTablespaceMap(entries));
        expect(read.map(({ oid, path }) => [oid, Buffer.from(path)])).toEqual(
          entries.map(({ oid, path }) => [oid, path]),
        );
      }),
    );
  });

  it("may be empty, and is refused when cut or malformed", () => {
    expect(parseTablespaceMap(new Uint8Array(0))).toEqual([]);
    for (const text of ["16384 /srv", "x /srv\n", "16384\n", "16384 \n"]) {
      expect(() => parseTablespaceMap(Buffer.from(text))).toThrow(
        expect.objectContaining({ code: "backup-stream-damaged" }),
      );
    }
  });
});

describe("parseTimelineHistory", () => {
  it("reads ancestors, comments and a missing reason", () => {
    const text = "# made by hand\n1\t0/3000148\tno recovery target specified\n\n3\t16/B374D848\n";
    expect(parseTimelineHistory(text)).toEqual([
      { timeline: 1, switchLsn: 0x3000148n, reason: "no recovery target specified" },
      { timeline: 3, switchLsn: 0x16b374d848n, reason: "" },
    ]);
    expect(parseTimelineHistory("")).toEqual([]);
  });

  it.each(["x\t0/1\ty\n", "1\t0\n", "1\n", "2\t0/1\n1\t0/2\n", "0\t0/1\n"])("refuses %j", (text) => {
    expect(() => parseTimelineHistory(text)).toThrow(expect.objectContaining({ code: "backup-stream-damaged" }));
  });
});

describe("parsePgControl", () => {
  const control = (version: number, crcAt: number): Buffer => {
    const bytes = Buffer.alloc(8192);
    bytes.writeBigUInt64LE(7710584558360780326n, 0);
    bytes.writeUInt32LE(version, 8);
    bytes.writeUInt32LE(202506291, 12);
    bytes.writeUInt32LE(6, 16);
    bytes.writeUInt32LE(1, 172);
    bytes.writeUInt32LE(1, 252);
    bytes.writeUInt32LE(crc32c(bytes.subarray(0, crcAt)), crcAt);
    return bytes;
  };

  it("reads identifiers above 2^53, the state and the checksum setting", () => {
    expect(parsePgControl(control(1800, 292))).toMatchObject({
      systemIdentifier: 7710584558360780326n,
      major: 18,
      state: "in-production",
      walLevel: "replica",
      dataChecksums: true,
    });
  });

  it("refuses a wrong CRC, another layout and a short file", () => {
    const changed = control(1800, 292);
    changed[40] = 1;
    expect(() => parsePgControl(changed)).toThrow(/CRC does not match/);
    expect(() => parsePgControl(control(1800, 288))).toThrow(/CRC does not match/);
    expect(() => parsePgControl(control(1201, 288))).toThrow(/none of 13 to 18/);
    for (const length of [0, 15, 16, 291]) {
      expect(() => parsePgControl(control(1800, 292).subarray(0, length))).toThrow(/too short/);
    }
  });
});

describe("relation files", () => {
  it.each([
    ["base/5/16384", "main", 0],
    ["base/5/16384_vm.3", "vm", 393_216],
    ["global/1262_fsm", "fsm", 0],
    ["pg_tblspc/16385/PG_18_202506291/5/16386.1", "main", 131_072],
    ["base/5/16384_init", "init", 0],
  ])("%s is one", (path, fork, firstBlock) => {
    expect(parseRelationPath(path)?.fork).toBe(fork);
    expect(firstBlockOfFile(path)).toBe(firstBlock);
  });

  it.each([
    "global/pg_control",
    "base/5/PG_VERSION",
    "base/5/pg_filenode.map",
    "pg_wal/000000010000000000000001",
    "16384",
    "base/5/016",
    "base/5/1.0",
    "pg_multixact/offsets/0000",
    "base/5/16384.",
    "base/5/t3_16384",
    "pg_xact/0000",
  ])("%s is none", (path) => expect(isRelationFile(path)).toBe(false));
});

describe("checkPages", () => {
  const blockSize = 8192;
  const startLsn = parseLsn("1/0");
  const page = (block: number, lsn = "0/FFFFFFFF"): Buffer => {
    const bytes = Buffer.alloc(blockSize, block + 1);
    bytes.writeUInt32LE(Number(parseLsn(lsn) >> 32n), 0);
    bytes.writeUInt32LE(Number(parseLsn(lsn) & 0xffffffffn), 4);
    bytes.writeUInt16LE(pageChecksum(bytes, block), 8);
    return bytes;
  };
  const check = (bytes: Uint8Array, firstBlock = 0): number[] => checkPages(bytes, { firstBlock, startLsn, blockSize });

  it("accepts right pages, all-zero pages and pages as new as the backup", () => {
    const torn = page(2, "1/0");
    torn.fill(0, 4096);
    expect(check(Buffer.concat([page(0), Buffer.alloc(blockSize), torn]))).toEqual([]);
  });

  it("suspects a change of any byte, a page in a wrong place and a new page that is not empty", () => {
    for (const at of [9, 10, 16, 4000, 8191]) {
      const rotten = page(0);
      rotten[at] = (rotten[at] as number) ^ 0x10;
      expect(check(rotten)).toEqual([0]);
    }
    expect(check(Buffer.concat([page(1), page(1)]))).toEqual([0]);
    expect(check(Buffer.concat([page(131_072), page(7)]), 131_072)).toEqual([131_073]);
    const dirty = Buffer.alloc(blockSize);
    dirty[8000] = 1;
    expect(check(dirty)).toEqual([0]);
  });

  it("works on bytes that are not aligned, leaves a partial page alone and changes nothing", () => {
    const bytes = Buffer.concat([Buffer.alloc(1), page(0), page(1), Buffer.alloc(100, 1)]);
    const before = Buffer.from(bytes);
    expect(check(bytes.subarray(1))).toEqual([]);
    expect(bytes.equals(before)).toBe(true);
    expect(checkPages(page(0), { firstBlock: 3, startLsn: noLsn, blockSize })).toEqual([]);
  });
});
