import type { AppError } from "@tidemark/kit";
import { lacksSpace } from "@tidemark/local-postgres";
import { isStoreTrouble } from "@tidemark/storage";
import { type DrillCheck, plainCheck } from "./drill-question.ts";
import type { DrillReport } from "./drill-report.ts";

/** What an error that ended a drill says. */
export interface DrillFailure {
  readonly outcome: Extract<DrillReport["outcome"], "failed" | "not-possible">;
  readonly reason: string;
  /** The check it is the answer to; null where it is none. */
  readonly check: DrillCheck | null;
}

/**
 * Whether what went wrong speaks about the backup, or only about this machine. `log` is the end of the log of the server
 * that was started. Null: about neither; the repository could not be asked, and the drill has no verdict.
 */
export function explainFailure(error: AppError, log: string, scratch: string): DrillFailure | null {
  const { code, message } = error;
  if (hostCodes.has(code)) return { outcome: "not-possible", reason: message, check: null };
  if (code === "backup-damaged" || code === "manifest-damaged") {
    const check = { name: "restored", ok: false, detail: message, provesDamage: true };
    return { outcome: "failed", reason: message, check };
  }
  if (code === "postgres-start-failed" || code === "recovery-failed") {
    if (lacksSpace(log)) return noSpaceLeft(scratch);
    const missing = lacksFeature(`${message}\n${log}`);
    if (missing !== null) {
      const reason = `PostgreSQL here lacks a feature the cluster uses: ${missing}`;
      return { outcome: "not-possible", reason, check: null };
    }
    const check = plainCheck(code === "recovery-failed" ? "reached the target" : "started", false, message);
    return { outcome: "failed", reason: message, check };
  }
  if (isStoreTrouble(error) || askingCodes.has(code)) return null;
  return { outcome: "failed", reason: message, check: null };
}

/**
 * What a drill says that ran, by the checks that failed. What a full disk kept it from answering says nothing of the
 * backup; bytes that are wrong are so anyway. Null: none failed.
 */
export function explainChecks(
  checks: readonly DrillCheck[],
  log: string,
  scratch: string,
): Pick<DrillFailure, "outcome" | "reason"> | null {
  const failed = checks.filter((check) => !check.ok);
  const first = failed[0];
  if (first === undefined) return null;
  if (!failed.some(({ provesDamage }) => provesDamage) && lacksSpace(log)) return noSpaceLeft(scratch);
  const more = failed.length > 1 ? ` (and ${failed.length - 1} more)` : "";
  return { outcome: "failed", reason: `${first.name}: ${first.detail}${more}` };
}

function noSpaceLeft(scratch: string): DrillFailure {
  return { outcome: "not-possible", reason: `there is no space left for ${scratch}`, check: null };
}

/** The line that says that these programs lack a feature the cluster uses, which is not the copy being bad. */
function lacksFeature(text: string): string | null {
  const match =
    /[^\n]*(?:not supported by (?:this )?build|compression method \S+ not supported|ICU is not supported in this build|could not load library)[^\n]*/.exec(
      text,
    );
  return match?.[0]?.trim() ?? null;
}

/** These say something about this machine, nothing about the backup. */
const hostCodes: ReadonlySet<string> = new Set([
  "postgres-binaries-missing",
  "target-full",
  "target-not-writable",
  "target-not-empty",
  "disk-full",
  "install-failed",
  "port-taken",
  "drill-not-possible",
]);
/** As trouble of the store: the repository could not be asked, which is no verdict at all; the run may be repeated. */
const askingCodes: ReadonlySet<string> = new Set(["plan-stale", "not-found", "manifest-missing", "internal"]);
