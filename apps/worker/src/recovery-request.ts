import type { RecoveryRequest } from "@tidemark/engine";
import type { RestoreRecoveryJson, TargetRequestJson } from "@tidemark/jobs";
import type { RecoveryTarget, TargetRequest } from "@tidemark/policy";
import { parseLsn } from "@tidemark/postgres";

/** A run's point in time as the engine and the policy know it. */
export function targetRequestOf({ target, timeline, action, asStandby }: TargetRequestJson): TargetRequest {
  return { target: targetOf(target), timeline, action, asStandby };
}

/** The same of a restore, with how its WAL comes to it. */
export function recoveryRequestOf(json: RestoreRecoveryJson): RecoveryRequest {
  const { target, timeline, action, asStandby } = targetRequestOf(json);
  const fetch = json.fetchConfig === null ? null : { program: "tidemark", configPath: json.fetchConfig };
  return { target, timeline, action, asStandby, wal: json.wal, fetch };
}

/** A target of a run as the policy knows it. */
export function targetOf(target: TargetRequestJson["target"]): RecoveryTarget {
  switch (target.kind) {
    case "latest":
    case "immediate":
    case "name":
      return target;
    case "time":
      return { ...target, at: new Date(target.at) };
    case "lsn":
      return { ...target, lsn: parseLsn(target.lsn) };
    case "xid":
      return { ...target, xid: BigInt(target.xid) };
  }
}
