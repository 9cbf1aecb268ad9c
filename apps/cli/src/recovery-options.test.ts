import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { addRecoveryOptions, type RecoveryOptions, wantedRecovery } from "./recovery-options.ts";

function wanted(...args: readonly string[]) {
  const command = addRecoveryOptions(new Command("restore")).exitOverride();
  command.configureOutput({ writeErr: () => undefined }).parse([...args], { from: "user" });
  return wantedRecovery(command.opts<RecoveryOptions>(), { TIDEMARK_CONFIG: "/etc/tidemark/orders.json" });
}

const base = { timeline: "latest", action: "promote", asStandby: false, wal: "copy", walConfig: null };

describe("the flags of a point in time", () => {
  it("are none, and then the backup alone is meant", () => expect(wanted()).toBe(null));

  it.each([
    [["--target-latest"], { kind: "latest" }],
    [["--target-immediate"], { kind: "immediate" }],
    [
      ["--target-time", "2026-11-21T14:02:00+01:00"],
      { kind: "time", at: new Date(1_795_266_120_000), inclusive: true },
    ],
    [["--target-lsn", "16/B374D848", "--target-exclusive"], { kind: "lsn", lsn: 0x16b374d848n, inclusive: false }],
    [["--target-xid", "4711", "--target-exclusive"], { kind: "xid", xid: 4711n, inclusive: false }],
    [["--target-name", "before release"], { kind: "name", name: "before release" }],
  ])("%j", (args, target) => expect(wanted(...args)).toEqual({ ...base, target }));

  it("say which timeline, what then, and how the WAL comes", () => {
    expect(wanted("--target-latest", "--target-timeline", "3", "--target-action", "pause", "--wal", "fetch")).toEqual({
      ...{ target: { kind: "latest" }, timeline: 3, action: "pause", asStandby: false },
      ...{ wal: "fetch", walConfig: "/etc/tidemark/orders.json" },
    });
    expect(wanted("--standby", "--target-timeline", "current")).toEqual({
      ...{ ...base, target: { kind: "latest" }, timeline: "current", asStandby: true },
    });
  });

  it.each([
    [["--target-latest", "--target-immediate"], /name two targets/],
    [["--target-name", "x", "--target-exclusive"], /does not go with --target-name/],
    [["--target-exclusive"], /not to where/],
    [["--wal", "copy"], /not to where/],
    [["--target-time", "2026-11-21 14:02"], /has no zone/],
    [["--target-lsn", "x"], /takes an LSN/],
    [["--target-xid", "2"], /3 and above/],
    [["--target-latest", "--target-timeline", "0"], /takes a timeline's number/],
    [["--standby", "--target-immediate"], /does not stop at --target-immediate/],
    [["--target-latest", "--wal-config", "/x"], /is for --wal fetch/],
  ])("%j are refused", (args, why) => expect(() => wanted(...args)).toThrow(why));
});
