import type { Server } from "@tidemark/metadata";
import { copyAllowedMs, copyLag } from "@tidemark/policy";
import { expect, it } from "vitest";
import { serverFindings } from "./server-findings.ts";

const hour = 3_600_000;
const start = new Date("2026-03-01T00:00:00.000Z");

const server: Server = {
  id: "srv_1",
  name: "orders",
  connection: "postgres@orders",
  areaId: "srv_1",
  systemIdentifier: null,
  serverVersion: null,
  majorVersion: null,
  inRecovery: null,
  isDemo: false,
  sizeBytes: null,
  lastContactAt: null,
  backupMethod: "stream",
  walMode: "none",
  walSlot: null,
  synchronous: false,
  walSystemIdentifier: null,
  drillSettings: null,
  repositoryId: "rep_1",
  copyToId: "rep_2",
  copyMaxRateKib: null,
  policyId: "pol_1",
  version: 1,
  createdAt: start,
  removedAt: null,
};

/** Findings of a server whose newest backup ended `hours` ago and is (not) copied. */
function findings(hours: number, copied: boolean | null): readonly string[] {
  const now = new Date(start.getTime() + hours * hour);
  const backups = [{ backupId: "bak_1", stoppedAt: start, usable: true, copied: copied === true, dropped: false }];
  return serverFindings({
    server,
    now,
    schedules: [],
    newest: null,
    damagedCount: 0,
    failuresInRow: 0,
    lastBackupRun: null,
    lastDrillRun: null,
    lastDrillVerdict: null,
    scheduledRuns: [],
    copyLag: copied === null ? null : copyLag(backups, now, copyAllowedMs),
    offline: null,
  }).map(({ checkId, found, actionPath }) => `${checkId} ${actionPath}: ${found}`);
}

it("finds a second repository that is a day behind, and only then", () => {
  expect(findings(23, false)).toEqual([]);
  expect(findings(25, false)).toEqual([
    "copy-late /servers/srv_1: the second repository lacks 1 backup since 2026-03-01 00:00 UTC, and has none",
  ]);
  expect(findings(25, true)).toEqual([]);
  expect(findings(25, null)).toEqual([]);
});
