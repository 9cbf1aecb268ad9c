import type { BackupRow, Server, TrustRow } from "@tidemark/metadata";
import { expect, it } from "vitest";
import { serverFindings } from "./server-findings.ts";

function findingsOf(trust: TrustRow | null) {
  return serverFindings({
    server: { id: "srv_1", name: "orders" } as Server,
    now: new Date("2026-03-01T00:00:00.000Z"),
    schedules: [],
    newest: { id: "bak_1", suspectPages: [], damageDetail: null, trust } as unknown as BackupRow,
    damagedCount: 0,
    failuresInRow: 0,
    lastBackupRun: null,
    lastDrillRun: null,
    lastDrillVerdict: null,
    scheduledRuns: [],
    copyLag: null,
    offline: null,
  });
}

it("says which pages the newest backup found changed without WAL, and whose were older", () => {
  const findings = [
    { path: "base/5/1259", blocks: [7, 8], older: "server" as const },
    { path: "base/5/2619", blocks: [1], older: "neither" as const },
  ];
  const [finding] = findingsOf({ round: 3, findings });
  expect(finding).toMatchObject({ checkId: "pages-untrusted", severity: "risk", actionPath: "/backups/bak_1" });
  expect(finding?.title).toBe("3 pages of orders changed without a trace in its WAL");
  expect(finding?.found).toContain("base/5/1259, block 7");
  expect(finding?.why).toContain("a write was lost there");
});

it("is silent where everything was as stored, and where rolling trust took no part", () => {
  expect(findingsOf({ round: 3, findings: [] })).toEqual([]);
  expect(findingsOf(null)).toEqual([]);
});
