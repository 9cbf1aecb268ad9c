import { describe, expect, it } from "vitest";
import { type ArchivingSigns, isArchiving } from "./archiver.ts";

const well: ArchivingSigns = {
  mode: "on",
  inRecovery: false,
  hasCommandOrLibrary: true,
  lastArchivedWal: "000000020000000000000007",
  lastFailedWal: null,
  succeededSince: null,
};
const segment = "000000020000000000000006";

describe("isArchiving", () => {
  it.each<[string, Partial<ArchivingSigns>, boolean]>([
    ["nothing ever failed", {}, true],
    ["nothing was archived yet, nothing failed", { lastArchivedWal: null }, true],
    ["the last success is later than the last failure", { lastFailedWal: segment, succeededSince: true }, true],
    ["the last failure is later", { lastFailedWal: segment, succeededSince: false }, false],
    ["only failures so far", { lastFailedWal: segment, lastArchivedWal: null }, false],
    [
      "a history file failed, a file of its timeline was archived",
      { lastFailedWal: "00000002.history", succeededSince: false },
      true,
    ],
    [
      "a history file failed, a file of a later timeline was archived",
      { lastFailedWal: "00000001.history", succeededSince: false },
      true,
    ],
    [
      "a history file failed, only an older timeline was archived",
      { lastFailedWal: "00000003.history", succeededSince: false },
      false,
    ],
    [
      "a history file failed, nothing was archived",
      { lastFailedWal: "00000003.history", lastArchivedWal: null },
      false,
    ],
    ["archive_mode is off", { mode: "off" }, false],
    ["neither command nor library", { hasCommandOrLibrary: false }, false],
    ["a standby with archive_mode = on", { inRecovery: true }, false],
    ["a standby with archive_mode = always", { inRecovery: true, mode: "always" }, true],
    ["a primary with archive_mode = always", { mode: "always" }, true],
  ])("%s", (_, signs, expected) => {
    expect(isArchiving({ ...well, ...signs })).toBe(expected);
  });
});
