import type { RestorePlanResult, RestoreRecoveryJson } from "@tidemark/jobs";
import { describe, expect, it } from "vitest";
import { restoreCommand } from "./restore-twins.ts";

const plan = {
  ...{ planHash: "h", ok: true, backupId: "bak_1", targetDirectory: "/srv/it", tablespaces: [], owner: null },
  ...{ fileCount: 1, bytesToWrite: "1", bytesToRead: "1", checks: [], sentence: "", delta: null, databases: null },
  estimate: null,
  recovery: {
    ...{ timeline: 3, throughLsn: "0/3000000", throughAt: null, segments: 1 },
    ...{ storedBytes: "1", plainBytes: "1", sentence: "", notes: [] },
  },
} satisfies RestorePlanResult;
const how = { timeline: "latest", action: "promote", asStandby: false, wal: "copy", fetchConfig: null } as const;

describe("the command that does what a plan shows", () => {
  it.each([
    [{ ...how, target: { kind: "latest" } }, "--target-latest --target-timeline 3"],
    [
      { ...how, target: { kind: "time", at: "2026-11-21T14:02:00.000Z", inclusive: false }, action: "pause" },
      "--target-time 2026-11-21T14:02:00.000Z --target-exclusive --target-timeline 3 --target-action pause",
    ],
    [
      { ...how, target: { kind: "name", name: "it's here" }, wal: "fetch", fetchConfig: "/etc/orders.json" },
      "--target-name 'it'\\''s here' --target-timeline 3 --wal fetch --wal-config /etc/orders.json",
    ],
    [{ ...how, target: { kind: "latest" }, asStandby: true }, "--standby --target-timeline 3"],
  ] satisfies readonly (readonly [RestoreRecoveryJson, string])[])("names its point in time: %o", (recovery, flags) => {
    const command = `npx tidemark restore run main --backup bak_1 --to /srv/it ${flags}`;
    expect(restoreCommand("main", plan, { recovery, adopt: false })).toBe(command);
    expect(restoreCommand("main", plan, { recovery, adopt: true })).toBe(`${command} --adopt`);
  });
});
