import type { Mark, MarkKind, StoredBackup } from "@tidemark/repository";
import { describe, expect, it } from "vitest";
import { describeBackup } from "./catalog.ts";

const backup: StoredBackup = {
  backupId: "bak_1",
  serverId: "srv_1",
  facts: null,
  counts: null,
  fileCount: 0,
  plainBytes: 0n,
  parentId: null,
  damaged: null,
};

/** `hold@3` is a hold made in minute 3. */
function marks(text: string): Mark[] {
  return text.split(" ").map((word, index) => {
    const [kind, minute] = word.split("@");
    return {
      markId: `mrk_${index}`,
      kind: kind as MarkKind,
      text: word,
      by: "dba",
      at: new Date(Number(minute) * 60_000),
    };
  });
}

describe("describeBackup", () => {
  it.each([
    ["a hold holds", "hold@1", { hold: "hold@1", damaged: null }],
    ["a release ends it", "hold@1 release@2", { hold: null, damaged: null }],
    ["a later hold holds again", "hold@1 release@2 hold@3", { hold: "hold@3", damaged: null }],
    ["of one minute the later mark wins", "hold@1 release@1", { hold: null, damaged: null }],
    ["a clock that jumped back decides by what it says", "release@5 hold@1", { hold: null, damaged: null }],
    ["damage stays", "verified@1 damaged@2", { hold: null, damaged: "damaged@2" }],
    ["until a later verification finds it whole", "damaged@2 verified@3", { hold: null, damaged: null }],
    ["or a later drill", "damaged@2 proven@3", { hold: null, damaged: null }],
    ["a drill's damage is no verification's to clear", "drill@2 verified@3", { hold: null, damaged: "drill: @2" }],
    ["and shows again under a later one's", "drill@2 damaged@3 verified@4", { hold: null, damaged: "drill: @2" }],
    ["but a later drill's", "drill@2 verified@3 proven@4", { hold: null, damaged: null }],
  ])("%s", (_, text, expected) => {
    const all = marks(text).map((mark) =>
      mark.text.startsWith("drill")
        ? { ...mark, kind: "damaged" as const, text: `drill: ${mark.text.slice(5)}` }
        : mark,
    );
    const { hold, damaged } = describeBackup(backup, all);
    expect({ hold: hold?.text ?? null, damaged }).toEqual(expected);
  });

  it("never clears a manifest that cannot be read", () => {
    expect(describeBackup({ ...backup, damaged: "unreadable" }, marks("verified@3")).damaged).toBe("unreadable");
  });
});
