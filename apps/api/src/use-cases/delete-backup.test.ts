import type { BackupRow } from "@tidemark/metadata";
import { keepEverything } from "@tidemark/policy";
import { describe, expect, it } from "vitest";
import { planDeletion } from "./delete-backup.ts";
import { freedAtLeast } from "./retention-plan.ts";

const now = new Date("2026-03-01T00:00:00Z");
const policy = { ...keepEverything, keepLast: 2 };

function backup(id: string, day: number, change: Partial<BackupRow> = {}): BackupRow {
  const startedAt = new Date(Date.UTC(2026, 1, day));
  const facts = { state: "restorable", damageDetail: null, hold: null, provenAt: null, storedBytes: 100n };
  return { id, startedAt, finishedAt: startedAt, ...facts, ...change } as BackupRow;
}

const newest = backup("bak_3", 3);
const middle = backup("bak_2", 2, { provenAt: now });
const oldest = backup("bak_1", 1);
const rows = [newest, middle, oldest];

describe("planDeletion", () => {
  it("never allows the newest usable backup, even when a newer one is damaged", () => {
    expect(planDeletion(newest, rows, policy, now).allowed).toBe(false);
    const damaged = backup("bak_4", 4, { damageDetail: "pack gone" });
    expect(planDeletion(newest, [damaged, ...rows], policy, now).allowed).toBe(false);
    expect(planDeletion(damaged, [damaged, ...rows], policy, now).allowed).toBe(true);
  });

  it("says what the policy thinks, what becomes the earliest, and that the only proof goes", () => {
    expect(planDeletion(oldest, rows, policy, now).consequences.join("; ")).toContain(
      "the earliest backup is then that of 2026-02-02",
    );
    const consequences = planDeletion(middle, rows, policy, now).consequences.join("; ");
    expect(consequences).toContain("the retention policy would keep it: number 2 of the last 2 to keep");
    expect(consequences).toContain("no other backup of this server is proven");
  });

  it("is another plan as soon as a hold or another backup comes or goes", () => {
    const { planHash } = planDeletion(oldest, rows, policy, now);
    expect(planDeletion(oldest, rows, policy, new Date(now.getTime() + 86_400_000)).planHash).toBe(planHash);
    expect(planDeletion(oldest, rows.slice(1), policy, now).planHash).not.toBe(planHash);
    const held = { ...oldest, hold: { by: "ann", at: now, reason: "audit" } };
    expect(planDeletion(held, rows, policy, now)).toMatchObject({
      allowed: false,
      sentence: expect.stringContaining("held by ann (audit)"),
    });
  });
});

describe("freedAtLeast", () => {
  it("promises only what no newer backup can point at", () => {
    expect(freedAtLeast(rows, new Set(["bak_3", "bak_2"]))).toBe(200n);
    expect(freedAtLeast(rows, new Set(["bak_2", "bak_1"]))).toBeNull();
  });
});
