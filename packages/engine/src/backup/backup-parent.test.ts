import type { BackupFacts, Mark, ServerArea } from "@tidemark/repository";
import { describe, expect, it } from "vitest";
import { chooseParent } from "./backup-parent.ts";

interface SomeBackup {
  readonly id: string;
  readonly reads: "everything" | "changes";
  readonly marks?: readonly (readonly [kind: Mark["kind"], text: string])[];
}

/** Oldest first; each mark is a moment later than the one before. */
async function parentOf(backups: readonly SomeBackup[], damagedPacks: readonly string[] = []) {
  const listed = backups.map(({ id, reads }, at) => {
    const reading = reads === "everything" ? { kind: "full", reason: null } : { kind: "incremental" };
    const facts = { systemIdentifier: 7n, blockSize: 8192, startedAt: new Date(at), reading };
    return { backupId: id, damaged: null, facts: facts as unknown as BackupFacts };
  });
  const marks = async (backupId: string) =>
    (backups.find(({ id }) => id === backupId)?.marks ?? []).map(([kind, text], at) => ({
      markId: `mrk_${at}`,
      kind,
      text,
      at: new Date(at),
      by: "test",
    }));
  const verifications = async () => damagedPacks.map((packId) => ({ packId, damage: "a frame is damaged" }));
  const area = { listBackups: async () => listed, marks, verifications } as unknown as ServerArea;
  return await chooseParent(area, { systemIdentifier: 7n, blockSize: 8192 }, false);
}

const wrong = ["damaged", "checksums: 1 page is wrong"] as const;
const packId = `pck_${"a".repeat(26)}`;

describe("chooseParent", () => {
  it("takes the newest that is not damaged", async () => {
    const parent = await parentOf([
      { id: "one", reads: "everything" },
      { id: "two", reads: "changes" },
    ]);
    expect(parent).toMatchObject({ parentId: "two", distrust: null, isFirst: false });
  });

  it("avoids every pack a verification found damaged, however many a mark names", async () => {
    const packIds = Array.from({ length: 5000 }, (_, at) => `pck_${String(at).padStart(26, "0")}`);
    const { avoidPackIds } = await parentOf([{ id: "one", reads: "everything" }], packIds);
    expect([...avoidPackIds]).toEqual(packIds);
  });

  it.each<[string, readonly SomeBackup[]]>([
    [
      "the newest, whatever is before it",
      [
        { id: "one", reads: "everything" },
        { id: "two", reads: "changes", marks: [wrong] },
      ],
    ],
    [
      "one the newest took pages from",
      [
        { id: "one", reads: "everything", marks: [wrong] },
        { id: "two", reads: "changes" },
      ],
    ],
    [
      "one that only its stored bytes were verified of since",
      [
        { id: "one", reads: "everything", marks: [wrong, ["verified", "3 files"]] },
        { id: "two", reads: "changes" },
      ],
    ],
  ])("has nothing taken over unread where a drill proved wrong %s", async (_, backups) => {
    expect((await parentOf(backups)).distrust).toMatch(
      /^backup (one|two) was found to hold wrong pages \(checksums: 1/,
    );
  });

  it.each<[string, readonly SomeBackup[]]>([
    [
      "was read anew since",
      [
        { id: "one", reads: "everything", marks: [wrong] },
        { id: "two", reads: "everything" },
      ],
    ],
    ["was proven by a later drill", [{ id: "one", reads: "everything", marks: [wrong, ["proven", "started"]] }]],
  ])("trusts what %s", async (_, backups) => {
    expect((await parentOf(backups)).distrust).toBeNull();
  });

  it("avoids packs that are damaged, and trusts the rest", async () => {
    const marks = [["damaged", `a frame is damaged; packs: ${packId}`]] as const;
    const parent = await parentOf([
      { id: "one", reads: "everything", marks },
      { id: "two", reads: "changes" },
    ]);
    expect(parent).toMatchObject({ parentId: "two", distrust: null, avoidPackIds: new Set([packId]) });
  });
});
