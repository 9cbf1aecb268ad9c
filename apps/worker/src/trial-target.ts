import type { TrialTarget } from "@tidemark/engine";
import type { RecoveryTargetJson, TrialTargetJson } from "@tidemark/jobs";
import type { RecoveryTarget } from "@tidemark/policy";
import { formatLsn, type Lsn } from "@tidemark/postgres";
import { targetOf } from "./recovery-request.ts";

/** To where a drill or a clone goes, as the engine knows it. */
export function trialTargetOf(target: TrialTargetJson): TrialTarget {
  return target.kind === "behind" ? { kind: "behind", ms: target.seconds * 1000 } : targetOf(target);
}

/** A target as a row keeps it. */
export function jsonOfTarget(target: RecoveryTarget): RecoveryTargetJson {
  switch (target.kind) {
    case "latest":
    case "immediate":
    case "name":
      return target;
    case "time":
      return { ...target, at: target.at.toISOString() };
    case "lsn":
      return { ...target, lsn: formatLsn(target.lsn as Lsn) };
    case "xid":
      return { ...target, xid: String(target.xid) };
  }
}
