import { formatAge, formatBytes } from "@tidemark/kit";
import type { Rpo } from "./recovery/rpo.ts";

export type WalProtectionCode =
  | "slot-lost"
  | "wal-behind-gap"
  | "rpo-far-over-target"
  | "wal-gap"
  | "receiver-down"
  | "slot-in-danger"
  | "rpo-over-target"
  | "rpo-unknown"
  | "rto-over-target"
  | "instant-never-proven"
  | "instant-proof-too-old"
  | "restorable-only-to-backups";

/** What is known of a server's WAL, and of how fast and how far back a restore has to be. */
export interface WalProtectionFacts {
  /** `none`: its WAL is not kept, so it is restorable only to backups, and nothing below counts. */
  readonly mode: "stream" | "push" | "none";
  /** Since when no receiver streams; null when one does, or when the server pushes. */
  readonly receiverDown: { readonly since: Date; readonly reason: string } | null;
  readonly slot: { readonly state: "fine" | "lost" } | { readonly state: "danger"; readonly sentence: string };
  /** Gaps within the promised window, the newest last; an end is null while nothing came behind it. */
  readonly gaps: readonly { readonly at: Date | null; readonly cause: string }[];
  /** The newest WAL has a backup before it without a gap between, so that the present can be restored to. */
  readonly liveEdgeReachable: boolean;
  readonly rpo: Rpo;
  /** How much may be lost; null: nothing was promised. */
  readonly rpoTargetMs: number | null;
  /** What the last proven drill took from its start to a checked server; null when none did. */
  readonly measuredRtoMs: number | null;
  readonly rtoTargetMs: number | null;
  /** The last drill that recovered through WAL to an instant behind its backup, and passed. */
  readonly lastInstantProvenAt: Date | null;
  /** The policy wants such drills, not only of backups. */
  readonly instantProofRequired: boolean;
}

export interface WalProtectionReason {
  readonly code: WalProtectionCode;
  readonly sentence: string;
}

/** What is wrong with the WAL of a server, in no order. */
export function* walReasons(
  wal: WalProtectionFacts,
  proofLifetimeMs: number,
  now: Date,
): Generator<WalProtectionReason> {
  if (wal.mode === "none") {
    yield { code: "restorable-only-to-backups", sentence: "its WAL is not kept: it is restorable only to backups" };
  } else {
    yield* streamReasons(wal, now);
    yield* rpoReasons(wal);
    if (wal.instantProofRequired) yield* instantReasons(wal, proofLifetimeMs, now);
  }
  if (wal.rtoTargetMs !== null && wal.measuredRtoMs !== null && wal.measuredRtoMs > wal.rtoTargetMs) {
    const sentence = `the last proven restore took ${formatAge(wal.measuredRtoMs)}, and ${formatAge(wal.rtoTargetMs)} is the target`;
    yield { code: "rto-over-target", sentence };
  }
}

function* streamReasons(wal: WalProtectionFacts, now: Date): Generator<WalProtectionReason> {
  if (wal.slot.state === "lost") {
    yield { code: "slot-lost", sentence: "the server removed WAL we had not received: a new backup is needed" };
  }
  if (wal.slot.state === "danger") yield { code: "slot-in-danger", sentence: wal.slot.sentence };
  const gap = wal.gaps.at(-1);
  if (gap !== undefined && !wal.liveEdgeReachable) {
    yield { code: "wal-behind-gap", sentence: `WAL since a gap cannot be used before the next backup: ${gap.cause}` };
  } else if (gap !== undefined) {
    const count = wal.gaps.length === 1 ? "there is a gap" : `there are ${wal.gaps.length} gaps, the newest`;
    const when = gap.at === null ? "" : ` from ${formatAge(Math.max(0, now.getTime() - gap.at.getTime()))} ago`;
    yield { code: "wal-gap", sentence: `${count}${when} in what can be restored to: ${gap.cause}` };
  }
  if (wal.receiverDown === null) return;
  const downMs = now.getTime() - wal.receiverDown.since.getTime();
  if (downMs <= receiverGraceMs) return;
  const sentence = `no WAL has been received for ${formatAge(downMs)}: ${wal.receiverDown.reason}`;
  yield { code: "receiver-down", sentence };
}

function* rpoReasons({ rpo, rpoTargetMs }: WalProtectionFacts): Generator<WalProtectionReason> {
  if (rpoTargetMs === null || rpo.kind === "zero") return;
  if (rpo.kind === "unknown") {
    yield { code: "rpo-unknown", sentence: `how much would be lost is not known: ${rpo.reason}` };
    return;
  }
  if (rpo.ageMs <= rpoTargetMs) return;
  const bound = rpo.certainty === "exact" ? "" : "up to ";
  const size = rpo.bytes === null ? "how much is not known" : formatBytes(Number(rpo.bytes));
  const lost = `${bound}${formatAge(rpo.ageMs)} (${size})`;
  const sentence = `${lost} would be lost now, and ${formatAge(rpoTargetMs)} is the target`;
  yield { code: rpo.ageMs > farOverFactor * rpoTargetMs ? "rpo-far-over-target" : "rpo-over-target", sentence };
}

function* instantReasons(
  { lastInstantProvenAt }: WalProtectionFacts,
  proofLifetimeMs: number,
  now: Date,
): Generator<WalProtectionReason> {
  if (lastInstantProvenAt === null) {
    yield { code: "instant-never-proven", sentence: "no drill has recovered it to an instant through its WAL yet" };
    return;
  }
  const ageMs = now.getTime() - lastInstantProvenAt.getTime();
  if (ageMs <= proofLifetimeMs) return;
  const sentence = `the last proven recovery to an instant is ${formatAge(ageMs)} old, and a proof counts for ${formatAge(proofLifetimeMs)}`;
  yield { code: "instant-proof-too-old", sentence };
}

/** A restart, of the server or of a worker, is over by then: a takeover takes ten seconds. */
const receiverGraceMs = 60_000;
/** Ten times what was promised is no delay any more. */
const farOverFactor = 10;
