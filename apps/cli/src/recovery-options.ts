import { resolve } from "node:path";
import { AppError } from "@tidemark/kit";
import { formatLsn, parseLsn } from "@tidemark/postgres";
import { type Command, Option } from "commander";
import type { CommandContext } from "./context.ts";
import { parseZonedTime } from "./zoned-time.ts";

/** What commander gives for the flags of `addTargetOptions`. */
export interface TargetOptions {
  readonly targetTime?: string;
  readonly targetLsn?: string;
  readonly targetXid?: string;
  readonly targetName?: string;
  readonly targetImmediate?: boolean;
  readonly targetLatest?: boolean;
  readonly targetExclusive?: boolean;
  readonly targetTimeline?: string;
}

/** What commander gives for the flags of `addRecoveryOptions`. */
export interface RecoveryOptions extends TargetOptions {
  readonly targetAction?: "pause" | "promote" | "shutdown";
  readonly standby?: boolean;
  readonly wal?: "copy" | "fetch";
  readonly walConfig?: string;
  readonly adopt?: boolean;
}

/** A point in time as the flags name it. */
export interface WantedRecovery {
  readonly target:
    | { readonly kind: "latest" | "immediate" }
    | { readonly kind: "time"; readonly at: Date; readonly inclusive: boolean }
    | { readonly kind: "lsn"; readonly lsn: bigint; readonly inclusive: boolean }
    | { readonly kind: "xid"; readonly xid: bigint; readonly inclusive: boolean }
    | { readonly kind: "name"; readonly name: string };
  readonly timeline: number | "latest" | "current";
  readonly action: "pause" | "promote" | "shutdown";
  readonly asStandby: boolean;
  readonly wal: "copy" | "fetch";
  /** Absolute; null with `copy`. */
  readonly walConfig: string | null;
}

/** The flags that say to where; the same for restores, drills and clones. */
export function addTargetOptions(command: Command): Command {
  return command
    .option("--target-time <time>", "to this time, with its zone: 2026-11-21T14:02:00Z, … 14:02 Europe/Berlin")
    .option("--target-lsn <lsn>", "to this place in the WAL, as 16/B374D848")
    .option("--target-xid <xid>", "to the end of this transaction")
    .option("--target-name <name>", "to this restore point")
    .option("--target-immediate", "to the end of the backup")
    .option("--target-latest", "to the end of the archived WAL, the last unfinished segment included")
    .option("--target-exclusive", "stop just before it, not behind it (time, LSN and xid)")
    .option("--target-timeline <number>", "on this timeline, `latest` (the newest that can be reached) or `current`");
}

/** The flags of a restore to a point in time. */
export function addRecoveryOptions(command: Command): Command {
  return addTargetOptions(command)
    .addOption(
      new Option("--target-action <action>", "what to do there (promote unless told)").choices([
        "pause",
        "promote",
        "shutdown",
      ]),
    )
    .option("--standby", "go on from the latest WAL as a standby")
    .addOption(
      new Option(
        "--wal <how>",
        "copy (unless told): into the directory, which then recovers by itself; fetch: while it recovers",
      ).choices(["copy", "fetch"]),
    )
    .option("--wal-config <file>", "with --wal fetch: what `tidemark server host-config` wrote; else TIDEMARK_CONFIG")
    .option("--adopt", "let it archive and receive subscriptions as its source did: it takes the source's place");
}

/** What the flags ask for; null: nothing but the backup. Throws `bad-request` for flags that do not go together. */
export function wantedRecovery(
  options: RecoveryOptions,
  environment: CommandContext["environment"],
): WantedRecovery | null {
  const target = targetOf(options);
  if (target === null) {
    refuseWithoutTarget(options);
    return null;
  }
  const wal = options.wal ?? "copy";
  const config = options.walConfig ?? environment.TIDEMARK_CONFIG;
  if (wal === "copy" && options.walConfig !== undefined) throw misused("--wal-config is for --wal fetch");
  if (wal === "fetch" && config === undefined)
    throw misused("--wal fetch needs --wal-config, the file that `tidemark server host-config` wrote");
  return {
    target,
    timeline: timelineOf(options.targetTimeline),
    action: options.targetAction ?? "promote",
    asStandby: options.standby === true,
    wal,
    walConfig: wal === "fetch" && config !== undefined ? resolve(config) : null,
  };
}

function targetOf(options: RecoveryOptions): WantedRecovery["target"] | null {
  const inclusive = options.targetExclusive !== true;
  const { targetTime, targetLsn, targetXid, targetName } = options;
  const named: (readonly [string, () => WantedRecovery["target"]])[] = [];
  if (targetTime !== undefined)
    named.push(["--target-time", () => ({ kind: "time", at: parseZonedTime(targetTime), inclusive })]);
  if (targetLsn !== undefined) named.push(["--target-lsn", () => ({ kind: "lsn", lsn: lsnOf(targetLsn), inclusive })]);
  if (targetXid !== undefined) named.push(["--target-xid", () => ({ kind: "xid", xid: xidOf(targetXid), inclusive })]);
  if (targetName !== undefined) named.push(["--target-name", () => ({ kind: "name", name: targetName })]);
  if (options.targetImmediate === true) named.push(["--target-immediate", () => ({ kind: "immediate" })]);
  if (options.targetLatest === true) named.push(["--target-latest", () => ({ kind: "latest" })]);
  if (named.length > 1) throw misused(`${named.map(([flag]) => flag).join(" and ")} name two targets: give one`);
  const [only] = named;
  if (only === undefined) return options.standby === true ? { kind: "latest" } : null;
  const target = only[1]();
  if (!inclusive && !("inclusive" in target)) throw misused(`--target-exclusive does not go with ${only[0]}`);
  if (options.standby === true && target.kind !== "latest")
    throw misused(`--standby goes on from the latest WAL: it does not stop at ${only[0]}`);
  return target;
}

function refuseWithoutTarget(options: RecoveryOptions): void {
  const stray = [
    options.targetExclusive === true ? "--target-exclusive" : null,
    options.targetTimeline === undefined ? null : "--target-timeline",
    options.targetAction === undefined ? null : "--target-action",
    options.wal === undefined ? null : "--wal",
    options.walConfig === undefined ? null : "--wal-config",
  ].find((flag) => flag !== null);
  if (stray !== undefined)
    throw misused(`${stray} says how to recover but not to where: add --target-latest or another`);
}

function timelineOf(text: string | undefined): WantedRecovery["timeline"] {
  if (text === undefined || text === "latest") return "latest";
  if (text === "current") return "current";
  const number = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : Number.NaN;
  if (number <= 0xffff_ffff) return number;
  throw misused(`--target-timeline takes a timeline's number, latest or current, not ${text}`);
}

function lsnOf(text: string): bigint {
  try {
    return parseLsn(text);
  } catch (error) {
    throw new AppError("bad-request", {
      message: `--target-lsn takes an LSN such as 16/B374D848, not ${text}`,
      cause: error,
    });
  }
}

function xidOf(text: string): bigint {
  if (/^\d{1,20}$/.test(text) && BigInt(text) >= 3n) return BigInt(text);
  throw misused(`--target-xid takes a transaction's number (3 and above), not ${text}`);
}

function misused(message: string): AppError {
  return new AppError("bad-request", { message });
}

/** To where a drill or a clone shall go, as GraphQL's `TrialTargetInput` has it; null: the flags do not say. */
export function trialTargetInput(options: TargetOptions) {
  const target = targetOf(options);
  if (target !== null) return targetInput(target, timelineOf(options.targetTimeline));
  refuseWithoutTarget(options);
  return null;
}

/** As GraphQL's `RestoreRecoveryInput` has it. */
export function restoreRecoveryInput({ target, timeline, action, asStandby, wal, walConfig }: WantedRecovery) {
  return {
    ...targetInput(target, timeline),
    action: action.toUpperCase(),
    standby: asStandby,
    wal: wal.toUpperCase(),
    ...(walConfig === null ? {} : { fetchConfig: walConfig }),
  };
}

function targetInput(target: WantedRecovery["target"], timeline: WantedRecovery["timeline"]) {
  return {
    kind: target.kind.toUpperCase(),
    ...(target.kind === "time" ? { at: target.at.toISOString() } : {}),
    ...(target.kind === "lsn" ? { lsn: formatLsn(target.lsn as ReturnType<typeof parseLsn>) } : {}),
    ...(target.kind === "xid" ? { xid: String(target.xid) } : {}),
    ...(target.kind === "name" ? { name: target.name } : {}),
    ...("inclusive" in target ? { inclusive: target.inclusive } : {}),
    ...(typeof timeline === "number" ? { timeline } : {}),
    ...(timeline === "current" ? { ownTimeline: true } : {}),
  };
}
