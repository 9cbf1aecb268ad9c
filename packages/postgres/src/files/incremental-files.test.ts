import { describe, expect, it } from "vitest";
import { parseBackupLabel, withoutIncrementalLines } from "./backup-label.ts";
import { locateRelation } from "./relation-file.ts";

const label = [
  "START WAL LOCATION: 0/4000028 (file 000000010000000000000004)",
  "CHECKPOINT LOCATION: 0/4000060",
  "BACKUP METHOD: streamed",
  "BACKUP FROM: primary",
  "START TIME: 2026-11-21 18:00:00 UTC",
  "LABEL: INCREMENTAL FROM LSN: caf\u00e9",
  "START TIMELINE: 1",
];
const bytes = (lines: readonly string[]) => Buffer.from(`${lines.join("\n")}\n`, "latin1");

describe("withoutIncrementalLines", () => {
  it("takes away the two lines no server starts on, and not a byte more", () => {
    const sent = bytes([...label, "INCREMENTAL FROM LSN: 0/2000028", "INCREMENTAL FROM TLI: 1"]);
    const cleaned = withoutIncrementalLines(sent);
    expect(Buffer.from(cleaned).equals(bytes(label))).toBe(true);
    const parsed = parseBackupLabel(Buffer.from(sent).toString("latin1"));
    expect(parsed).toMatchObject({ incrementalFromLsn: 0x2000028n, incrementalFromTimeline: 1 });
    expect(parseBackupLabel(Buffer.from(cleaned).toString("latin1"))).toMatchObject({ incrementalFromLsn: null });
  });

  it("leaves the label of a full backup as it is", () => {
    expect(Buffer.from(withoutIncrementalLines(bytes(label))).equals(bytes(label))).toBe(true);
  });
});

describe("locateRelation", () => {
  const relation = { fork: "main", segmentNumber: 0, relfilenode: 16384 };
  it.each([
    ["base/5/16384", { ...relation, tablespaceOid: 1663, databaseOid: 5 }],
    ["base/5/16384.3", { ...relation, segmentNumber: 3, tablespaceOid: 1663, databaseOid: 5 }],
    ["base/5/16384_vm.1", { ...relation, fork: "vm", segmentNumber: 1, tablespaceOid: 1663, databaseOid: 5 }],
    ["global/16384_init", { ...relation, fork: "init", tablespaceOid: 1664, databaseOid: 0 }],
    ["pg_tblspc/16500/PG_18_202506291/7/16384", { ...relation, tablespaceOid: 16500, databaseOid: 7 }],
    ["base/5/PG_VERSION", null],
    ["global/pg_control", null],
    ["base/5/t3_16384", null],
    ["pg_wal/000000010000000000000001", null],
  ])("finds whose pages %s has", (path, place) => {
    expect(locateRelation(path)).toEqual(place);
  });
});
