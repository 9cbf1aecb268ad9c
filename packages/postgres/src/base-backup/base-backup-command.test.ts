import { describe, expect, it } from "vitest";
import { capabilitiesOf, majorOf } from "../session/capabilities.ts";
import { baseBackupCommand } from "./base-backup-command.ts";

const options = { label: "it's", checkpoint: "fast", includeWal: true, progress: true, maxRateKib: 1024 } as const;

describe("baseBackupCommand", () => {
  it("writes bare words up to 14", () => {
    for (const major of [13, 14]) {
      expect(baseBackupCommand(options, capabilitiesOf(major))).toBe(
        "BASE_BACKUP LABEL 'it''s' PROGRESS FAST WAL NOWAIT MAX_RATE 1024 TABLESPACE_MAP NOVERIFY_CHECKSUMS MANIFEST 'yes' MANIFEST_CHECKSUMS 'CRC32C'",
      );
    }
  });

  it("writes a list in parentheses from 15", () => {
    for (const major of [15, 16, 17, 18]) {
      expect(
        baseBackupCommand({ ...options, checkpoint: "spread", maxRateKib: undefined }, capabilitiesOf(major)),
      ).toBe(
        "BASE_BACKUP (LABEL 'it''s', PROGRESS, CHECKPOINT 'spread', WAL, WAIT 0, TABLESPACE_MAP, VERIFY_CHECKSUMS 0, MANIFEST 'yes', MANIFEST_CHECKSUMS 'CRC32C')",
      );
    }
  });

  it("asks for changed blocks only from 17 on", () => {
    const incremental = { ...options, incremental: { blockSize: 8192, blocksPerSegment: 131_072 } };
    for (const major of [17, 18]) {
      expect(baseBackupCommand(incremental, capabilitiesOf(major))).toContain("'CRC32C', INCREMENTAL)");
    }
    for (const major of [13, 16]) {
      expect(() => baseBackupCommand(incremental, capabilitiesOf(major))).toThrow(
        expect.objectContaining({ code: "version-unsupported" }),
      );
    }
  });

  it.each([
    { ...options, maxRateKib: 31 },
    { ...options, maxRateKib: 1_048_577 },
    { ...options, label: "two\nlines" },
    { ...options, label: "x".repeat(1025) },
  ])("refuses what a server would refuse or write into a file it reads", (bad) => {
    expect(() => baseBackupCommand(bad, capabilitiesOf(18))).toThrow(expect.objectContaining({ code: "bad-request" }));
  });
});

describe("capabilitiesOf", () => {
  it.each([12, 19, 9])("refuses %i by name", (major) => {
    expect(() => capabilitiesOf(major)).toThrow(expect.objectContaining({ code: "version-unsupported" }));
  });

  it("knows a major by how its version begins", () => {
    expect([majorOf("18.4"), majorOf("15.8 (Debian 15.8-0+deb12u1)"), majorOf("17beta2")]).toEqual([18, 15, 17]);
  });
});
