import type { RestorePlanResult, RestoreRecoveryJson, RunRequest } from "@tidemark/jobs";

/** The command that does the same as the page's last button. */
export function restoreCommand(
  serverName: string,
  plan: RestorePlanResult,
  { recovery, adopt }: Pick<RunRequest<"restore-plan">, "recovery" | "adopt">,
): string {
  const parts = [
    "npx",
    "tidemark",
    "restore",
    "run",
    serverName,
    "--backup",
    plan.backupId,
    "--to",
    plan.targetDirectory,
  ];
  for (const { from, to } of plan.tablespaces) parts.push("--tablespace", `${from}=${to}`);
  if (plan.owner !== null) parts.push("--owner", plan.owner);
  for (const name of plan.databases?.restored ?? []) parts.push("--database", name);
  if (recovery !== null) parts.push(...recoveryFlags(recovery, plan.recovery?.timeline ?? null));
  if (adopt) parts.push("--adopt");
  if (plan.delta !== null) parts.push("--delta", "--yes");
  return parts.map(quoteForShell).join(" ");
}

/** On the timeline the plan chose: another may be the newest by the time the command is run. */
function recoveryFlags({ target, action, asStandby, wal, fetchConfig }: RestoreRecoveryJson, timeline: number | null) {
  const flags = asStandby ? ["--standby"] : targetFlags(target);
  if ("inclusive" in target && !target.inclusive) flags.push("--target-exclusive");
  if (timeline !== null) flags.push("--target-timeline", String(timeline));
  if (action !== "promote") flags.push("--target-action", action);
  if (wal === "fetch") flags.push("--wal", "fetch", ...(fetchConfig === null ? [] : ["--wal-config", fetchConfig]));
  return flags;
}

function targetFlags(target: RestoreRecoveryJson["target"]): string[] {
  switch (target.kind) {
    case "latest":
    case "immediate":
      return [`--target-${target.kind}`];
    case "time":
      return ["--target-time", target.at];
    case "lsn":
      return ["--target-lsn", target.lsn];
    case "xid":
      return ["--target-xid", target.xid];
    case "name":
      return ["--target-name", target.name];
  }
}

/** The mutation that does the same. */
export function restoreMutation(planRunId: string, plan: RestorePlanResult): string {
  return [
    "mutation {",
    `  runRestore(input: { planRunId: ${JSON.stringify(planRunId)}, planHash: ${JSON.stringify(plan.planHash)} }) {`,
    "    run { id state }",
    "    userErrors { code field message hint }",
    "  }",
    "}",
  ].join("\n");
}

/** POSIX shells take everything between single quotes as it is, but for the single quote itself. */
function quoteForShell(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
