import { describe, expect, it } from "vitest";
import { withoutPasswords, withSettings } from "./edit-configuration.ts";
import { minimumSettings } from "./minimum-settings.ts";
import { quietSettings } from "./quiet-settings.ts";
import { type RecoveryAsk, recoverySettings } from "./recovery-settings.ts";

const ask: RecoveryAsk = {
  target: { kind: "latest" },
  timeline: 2,
  action: "promote",
  asStandby: false,
  restoreCommand: "cp x %p",
  recoveryEndCommand: "",
};

describe("the settings of a recovery", () => {
  const at = new Date("2026-11-21T14:02:03.250Z");
  it.each([
    [{ kind: "immediate" }, "recovery_target", "immediate", true],
    [{ kind: "time", at, inclusive: true }, "recovery_target_time", "2026-11-21 14:02:03.250999+00", true],
    [{ kind: "time", at, inclusive: false }, "recovery_target_time", "2026-11-21 14:02:03.250000+00", false],
    [{ kind: "lsn", lsn: 0x16b374d848n, inclusive: true }, "recovery_target_lsn", "16/B374D848", true],
    [{ kind: "xid", xid: 0x1_0000_1267n, inclusive: false }, "recovery_target_xid", "4711", false],
    [{ kind: "name", name: "it's here" }, "recovery_target_name", "it's here", true],
  ] as const)("put %o behind the emptied others, and the timeline as a number", (target, name, value, inclusive) => {
    const settings = recoverySettings({ ...ask, target, action: "shutdown" });
    const targets = Object.keys(settings).filter((one) => /^recovery_target(?:_(?:lsn|name|time|xid))?$/.test(one));
    expect(targets).toHaveLength(5);
    expect(targets.at(-1)).toBe(name);
    expect(targets.slice(0, -1).map((one) => settings[one])).toEqual(["", "", "", ""]);
    expect(settings).toMatchObject({ [name]: value, recovery_target_inclusive: inclusive });
    expect(settings).toMatchObject({ recovery_target_timeline: "2", recovery_target_action: "shutdown" });
  });

  it("name no target for the end of the WAL, and let a standby and a pause take connections", () => {
    expect(recoverySettings(ask)).not.toHaveProperty("recovery_target_action");
    expect(recoverySettings(ask)).not.toHaveProperty("hot_standby");
    expect(recoverySettings({ ...ask, asStandby: true })).toMatchObject({ hot_standby: true });
    expect(recoverySettings(ask)).toMatchObject({ recovery_min_apply_delay: 0 });
    expect(recoverySettings({ ...ask, asStandby: true })).not.toHaveProperty("recovery_min_apply_delay");
    const paused = recoverySettings({ ...ask, action: "pause", target: { kind: "immediate" } });
    expect(paused).toMatchObject({ hot_standby: true, recovery_target_action: "pause" });
  });
});

describe("a restored server", () => {
  it("leaves alone what its source used, with the names its major knows", () => {
    expect(quietSettings({ major: 14, adopt: false })).not.toHaveProperty("archive_library");
    expect(quietSettings({ major: 15, adopt: false })).toMatchObject({
      ...{ archive_mode: false, archive_library: "", primary_slot_name: "", max_logical_replication_workers: 0 },
    });
    expect(quietSettings({ major: 18, adopt: true })).toEqual({
      ...{ primary_conninfo: "", primary_slot_name: "", archive_cleanup_command: "" },
    });
  });

  const limits = {
    ...{ maxConnections: 100, maxWorkerProcesses: 8, maxWalSenders: 10 },
    ...{ maxPreparedTransactions: 0, maxLocksPerTransaction: 64 },
  };
  it.each([
    ["", { maxConnections: 100 }, {}],
    ["max_connections = 300", { maxConnections: 300 }, {}],
    ["max_connections = 300", { maxConnections: 400 }, { max_connections: 400 }],
    ["", { maxPreparedTransactions: 5 }, { max_prepared_transactions: 5 }],
    ["#max_wal_senders = 20", { maxWalSenders: 20 }, { max_wal_senders: 20 }],
    ["max_wal_senders = 0x20", { maxWalSenders: 20 }, { max_wal_senders: 20 }],
  ])("meets the limits of its source: %j against %j needs %j", (text, least, needed) => {
    expect(minimumSettings({ ...limits, ...least }, [text, ""])).toEqual(needed);
  });

  it("is given every limit that files elsewhere may set", () => {
    const needed = minimumSettings(limits, ["include_dir = 'conf.d'\nmax_connections = 50\n", "max_connections = 500"]);
    expect(needed).not.toHaveProperty("max_connections");
    expect(needed).toMatchObject({ max_worker_processes: 8, max_locks_per_transaction: 64 });
  });
});

describe("configuration files", () => {
  it("lose the lines that ours replace, whatever they hold, and keep the rest as it was", () => {
    const auto =
      "# Do not edit\nwork_mem = '8MB'\nprimary_conninfo = 'host=db password=secret'\nPrimary_Slot_Name  'x'\n";
    const text = withSettings(auto, ["by us\nindeed"], {
      primary_conninfo: "",
      primary_slot_name: "",
      archive_mode: false,
    });
    expect(text).toBe(
      "# Do not edit\nwork_mem = '8MB'\n\n# by us indeed\nprimary_conninfo = ''\nprimary_slot_name = ''\narchive_mode = 'off'\n",
    );
    expect(withSettings("", [], { a: 1 })).toBe("a = '1'\n");
  });

  it.each([
    ["primary_conninfo = 'host=db password=secret user=r'", "primary_conninfo = 'host=db user=r'"],
    ["#primary_conninfo = 'password=''se cret'' host=db'", "#primary_conninfo = ' host=db'"],
    ["primary_conninfo = 'postgresql://r:se%20cret@db/x'", "primary_conninfo = 'postgresql://r@db/x'"],
    ["restore_command = 'PGPASSWORD=secret fetch %f %p'", "restore_command = ' fetch %f %p'"],
    ["archive_command = 'scp %p x'", null],
    ["password_encryption = 'scram-sha-256'", null],
  ])("lose the passwords of connections: %s", (text, cleaned) => {
    expect(withoutPasswords(`a = 1\n${text}\n`)).toBe(cleaned === null ? null : `a = 1\n${cleaned}\n`);
  });
});
