import { minuteText } from "./minute-text.ts";

/** A backup as the lag of its copy is judged by. */
export interface CopyCandidate {
  readonly backupId: string;
  /** When it was finished: from then on it could have been copied. */
  readonly stoppedAt: Date;
  readonly usable: boolean;
  /** Whether the second repository has it. */
  readonly copied: boolean;
  /** Deleted at the second repository on purpose: it is not missed there. */
  readonly dropped: boolean;
}

export interface CopyLag {
  /** Usable backups the second repository lacks, oldest first. */
  readonly missing: readonly { readonly backupId: string; readonly since: Date }[];
  /** When the newest backup that is in both places was finished: what would be left if the first were lost. Null: nothing. */
  readonly safeUntil: Date | null;
  /** Since when the second has been behind: the end of the oldest missing backup that is newer than `safeUntil`. Null: it is not. */
  readonly behindSince: Date | null;
  /** Behind for longer than is allowed. */
  readonly late: boolean;
  readonly sentence: string;
}

/** A day behind: a copy follows each backup at once, so that much is no queue but a trouble. */
export const copyAllowedMs = 24 * 3_600_000;

/**
 * How far the second repository is behind. Backups older than the newest one that is there are listed as missing but do
 * not make it late: losing the first repository would cost history, not the newest state.
 */
export function copyLag(backups: readonly CopyCandidate[], now: Date, allowedMs: number): CopyLag {
  const usable = backups
    .filter(({ usable: isUsable }) => isUsable)
    .sort((a, b) => a.stoppedAt.getTime() - b.stoppedAt.getTime());
  const missing = usable
    .filter(({ copied, dropped }) => !copied && !dropped)
    .map(({ backupId, stoppedAt }) => ({ backupId, since: stoppedAt }));
  const safeUntil = usable.findLast(({ copied }) => copied)?.stoppedAt ?? null;
  const behindSince = missing.find(({ since }) => safeUntil === null || since > safeUntil)?.since ?? null;
  const late = behindSince !== null && now.getTime() - behindSince.getTime() > allowedMs;
  return { missing, safeUntil, behindSince, late, sentence: describe(missing.length, safeUntil, behindSince) };
}

function describe(missing: number, safeUntil: Date | null, behindSince: Date | null): string {
  if (missing === 0) return "the second repository has every usable backup";
  const count = missing === 1 ? "1 backup" : `${missing} backups`;
  if (behindSince === null) return `the second repository has the newest backup and lacks ${count} before it`;
  const safe = safeUntil === null ? "and has none" : `its newest is of ${minuteText(safeUntil)}`;
  return `the second repository lacks ${count} since ${minuteText(behindSince)}, ${safe}`;
}
