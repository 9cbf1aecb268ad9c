import { assertNever } from "@tidemark/kit";
import type { RecoverableStretch, RecoveryInstant, WindowRestorePoint } from "./recovery-types.ts";
import { instantText, lsnText, timeText } from "./recovery-words.ts";
import type { RecoveryTarget, UnreachableTarget } from "./target-types.ts";

/** A refusal that names the nearest instants on both sides; `why` stands first where more is known than that. */
export function refuse(
  stretches: readonly RecoverableStretch[],
  target: RecoveryTarget,
  why: string | null,
): UnreachableTarget {
  const { last, next } = nearest(stretches, target);
  // The end of a backup that no commit follows yet: a recovery by time would not find where to stop.
  const isEnd =
    target.kind === "time" &&
    stretches.some(({ from }) => from === last) &&
    last?.at?.getTime() === target.at.getTime();
  const parts = [
    why ??
      (isEnd
        ? `a backup ends at ${targetText(target)} and no commit after it is here, so that only this end can be restored`
        : `${targetText(target)} cannot be reached`),
  ];
  if (last !== null && !isEnd) parts.push(`the last instant before it that can be is ${instantText(last)}`);
  if (next !== null) parts.push(`the ${last === null ? "first" : "next"} one after it is ${instantText(next)}`);
  return {
    reachable: false,
    code: "target-unreachable",
    sentence: parts.join("; "),
    lastReachable: last,
    nextReachable: next,
    candidates: [],
    search: [],
  };
}

/** The name stands for several places, of which PostgreSQL would silently take the first it meets. */
export function refuseAmbiguous(
  name: string,
  points: readonly (WindowRestorePoint & { readonly timeline: number })[],
): UnreachableTarget {
  const candidates = points.map(({ timeline, lsn, at }) => ({ timeline, lsn, at }));
  return {
    reachable: false,
    code: "target-ambiguous",
    sentence: `there are ${points.length} restore points "${name}": ${candidates.map(instantText).join(", ")}`,
    lastReachable: null,
    nextReachable: null,
    candidates,
    search: [],
  };
}

export function refuseUnlocated(
  stretches: readonly RecoverableStretch[],
  xid: number,
  search: UnreachableTarget["search"],
): UnreachableTarget {
  const last = stretches.at(-1)?.to ?? null;
  return {
    reachable: false,
    code: "target-not-located",
    sentence: `where transaction ${xid} was committed is not known before the WAL is searched for it`,
    lastReachable: last,
    nextReachable: null,
    candidates: [],
    search,
  };
}

interface Nearest {
  readonly last: RecoveryInstant | null;
  readonly next: RecoveryInstant | null;
}

function nearest(stretches: readonly RecoverableStretch[], target: RecoveryTarget): Nearest {
  if (target.kind === "time") {
    const targetMs = target.at.getTime();
    const before = ({ from }: RecoverableStretch) => from.at !== null && from.at.getTime() <= targetMs;
    const last = stretches.findLast(before);
    const next = stretches.find((stretch) => !before(stretch))?.from ?? null;
    // Without a commit behind the backup only its end can be restored to.
    return { last: last === undefined ? null : last.to.at === null ? last.from : last.to, next };
  }
  if (target.kind === "lsn") {
    const last = stretches.findLast(({ from }) => from.lsn <= target.lsn)?.to ?? null;
    return { last, next: stretches.find(({ from }) => from.lsn > target.lsn)?.from ?? null };
  }
  return { last: stretches.at(-1)?.to ?? null, next: null };
}

function targetText(target: RecoveryTarget): string {
  switch (target.kind) {
    case "latest":
      return "the end of the WAL";
    case "immediate":
      return "the end of a backup";
    case "time":
      return timeText(target.at);
    case "lsn":
      return lsnText(target.lsn);
    case "xid":
      return `transaction ${target.xid}`;
    case "name":
      return `the restore point "${target.name}"`;
    default:
      return assertNever(target);
  }
}
