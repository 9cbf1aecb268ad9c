import type { ServerSettings } from "@tidemark/local-postgres";
import type { RecoveryTarget } from "@tidemark/policy";

/** A recovery as PostgreSQL is told of it. */
export interface RecoveryAsk {
  readonly target: RecoveryTarget;
  /** Always a number: `latest` would follow any history that lies in the archive, a foreign one as well. */
  readonly timeline: number;
  readonly action: "pause" | "promote" | "shutdown";
  readonly asStandby: boolean;
  readonly restoreCommand: string;
  /** Run once when the recovery has ended and the server takes writes; empty: nothing. */
  readonly recoveryEndCommand: string;
}

/**
 * The recovery settings of PostgreSQL 13 to 18, in the order in which they have to stand in a file: setting one kind of
 * target while another is set is refused, an empty one resets all (xlogrecovery.c, assign_recovery_target_*), so those
 * that are not meant are emptied first. None but `recovery_target_*` says where to stop.
 */
export function recoverySettings(ask: RecoveryAsk): ServerSettings {
  const settings: Record<string, string | number | boolean> = { ...noTarget };
  settings.restore_command = ask.restoreCommand;
  settings.recovery_end_command = ask.recoveryEndCommand;
  settings.recovery_target_timeline = String(ask.timeline);
  const wanted = targetSetting(ask.target);
  if (wanted !== null) {
    // Its place is behind those it stands against.
    delete settings[wanted.name];
    settings[wanted.name] = wanted.value;
    settings.recovery_target_inclusive = !("inclusive" in ask.target) || ask.target.inclusive;
    settings.recovery_target_action = ask.action;
  }
  // A delayed standby's delay holds back any recovery from an archive (xlogrecovery.c, recoveryApplyDelay).
  if (!ask.asStandby) settings.recovery_min_apply_delay = 0;
  // A paused server that takes no connections shuts down instead (xlogrecovery.c, validateRecoveryParameters).
  if (ask.asStandby || ask.action === "pause") settings.hot_standby = true;
  return settings;
}

/** Every setting that names a target, without a value: what a source was once restored to must not count again. */
export const noTarget = {
  recovery_target: "",
  recovery_target_lsn: "",
  recovery_target_name: "",
  recovery_target_time: "",
  recovery_target_xid: "",
} as const satisfies ServerSettings;

function targetSetting(
  target: RecoveryTarget,
): { readonly name: keyof typeof noTarget; readonly value: string } | null {
  switch (target.kind) {
    case "latest":
      return null;
    case "immediate":
      return { name: "recovery_target", value: "immediate" };
    case "time":
      return { name: "recovery_target_time", value: timeOf(target.at, target.inclusive) };
    case "lsn":
      return { name: "recovery_target_lsn", value: lsnText(target.lsn) };
    case "xid":
      // The 32 bits that commit records carry; the upper ones of a full transaction id are its epoch.
      return { name: "recovery_target_xid", value: String(BigInt(target.xid) & 0xffff_ffffn) };
    case "name":
      return { name: "recovery_target_name", value: target.name };
  }
}

/**
 * Our instants are whole milliseconds and a commit's is one of them, cut; the server compares microseconds. Inclusive
 * therefore means to the end of the millisecond: the commit that is shown with this time is there.
 */
function timeOf(at: Date, inclusive: boolean): string {
  const [date = "", time = ""] = at.toISOString().split("T");
  return `${date} ${time.replace("Z", inclusive ? "999" : "000")}+00`;
}

function lsnText(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffff_ffffn).toString(16).toUpperCase()}`;
}
