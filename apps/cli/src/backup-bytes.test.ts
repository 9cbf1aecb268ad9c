import { expect, it } from "vitest";
import { type BackupBytes, coverageText, placeLines, readingText, sizeLines, trustText } from "./backup-bytes.ts";

const MiB = 1_048_576;
const backup: BackupBytes = {
  sizes: {
    totalBytes: String(100 * MiB),
    newBytes: String(10 * MiB),
    referencedBytes: "0",
    carriedBytes: String(80 * MiB),
    zeroBytes: String(10 * MiB),
    readBytes: String(12 * MiB),
    sentBytes: String(13 * MiB),
    storedBytes: String(3 * MiB),
  },
  places: [
    {
      backupId: "bak_1",
      own: false,
      packs: 2,
      bytes: String(80 * MiB),
      backup: { state: "DELETED", startedAt: "2026-01-02T03:04:05Z" },
    },
    { backupId: "bak_2", own: true, packs: 1, bytes: String(10 * MiB), backup: null },
  ],
  reading: { kind: "INCREMENTAL", reason: null, fromBackupId: "bak_1", resentFiles: 7, resentBytes: String(MiB) },
  trust: { round: 3, findings: [] },
  coverage: {
    storedShare: 1,
    wholeShare: 0.9999,
    storedSince: "2026-01-03T00:00:00Z",
    wholeSince: "2026-01-03T00:00:00Z",
  },
};

it("shows parts that add up, and leaves out those that are nothing", () => {
  const lines = sizeLines(backup).filter(([, value]) => value !== null);
  expect(lines.map(([name, value]) => `${name}: ${value}`)).toEqual([
    "of these: 10.0 MiB (10 %) new: stored by this backup, before compression",
    ": 80.0 MiB (80 %) unchanged: not read, carried from earlier backups",
    ": 10.0 MiB (10 %) zeros, which take no room",
    "sent: 13.0 MiB by the server",
    "read: 12.0 MiB",
    "stored: 3.00 MiB added to the repository",
  ]);
});

it("says by which backups the bytes were written, and that deleting those does no harm", () => {
  const said = placeLines(backup).flatMap(([, value]) => (value === null ? [] : [value]));
  expect(said[0]).toMatch(/^80\.0 MiB in 2 packs of bak_1, 2026-01-02 .*deleted since$/);
  expect(said[1]).toBe("10.0 MiB in 1 pack of its own");
  expect(said[2]).toContain("does not harm this backup");
});

it("never calls all of it verified while a part is not", () => {
  expect(coverageText(backup.coverage)).toContain("opened and checked to 99.9 %");
});

it("says how much was read, why all of it, and what did not agree", () => {
  expect(readingText(backup)).toBe("what changed since bak_1; 7 files (1.00 MiB) whole all the same");
  const reading = {
    kind: "FULL",
    reason: "summaries are missing",
    fromBackupId: null,
    resentFiles: null,
    resentBytes: null,
  };
  expect(readingText({ ...backup, reading })).toBe("everything, because summaries are missing");
  expect(trustText(backup)).toBe("share 4 of 28 was sent again and compared: as it was stored");
  const findings = [{ path: "base/5/1259", blocks: [7], older: "SERVER" }];
  expect(trustText({ ...backup, trust: { round: 3, findings } })).toContain("base/5/1259, block 7 (server older)");
});
