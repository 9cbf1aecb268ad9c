import type { RestorePlanResult } from "@tidemark/jobs";

/** The command that does the same as the page's last button. */
export function restoreCommand(serverName: string, plan: RestorePlanResult): string {
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
  if (plan.delta !== null) parts.push("--delta", "--yes");
  return parts.map(quoteForShell).join(" ");
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
