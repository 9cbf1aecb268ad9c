import { copiedRecoveryEndCommand, copiedRestoreCommand } from "./copy-needed-wal.ts";
import type { FetchProgram, RecoveryPlan } from "./recovery-request.ts";

/** How the restored server comes to its WAL, as its settings say it. */
export function walCommands({ request, segments }: RecoveryPlan): {
  readonly restoreCommand: string;
  readonly recoveryEndCommand: string;
} {
  if (request.wal === "elsewhere") return { restoreCommand: "exit 200", recoveryEndCommand: "" };
  if (request.wal === "copy" || request.fetch === null)
    return { restoreCommand: copiedRestoreCommand, recoveryEndCommand: copiedRecoveryEndCommand };
  // A standby that waits is not to take the beginning of a segment for all of it.
  const partial = !request.asStandby && (request.target.kind === "latest" || segments.some((one) => one.isPartial));
  return { restoreCommand: fetchCommand(request.fetch, partial), recoveryEndCommand: "" };
}

function fetchCommand({ program, configPath }: FetchProgram, partial: boolean): string {
  const words = [
    shellWord(program),
    "wal",
    "fetch",
    "--config",
    shellWord(configPath),
    ...(partial ? ["--partial"] : []),
  ];
  return `${words.join(" ").replaceAll("%", "%%")} "%f" "%p"`;
}

function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
