import { formatDuration } from "@tidemark/kit";
import { z } from "zod";
import type { Session } from "./context.ts";
import { lowerState } from "./output.ts";
import { remedyText } from "./remedy-text.ts";
import { printChecks, ServerCheck } from "./server-check.ts";

const Report = z.object({
  ok: z.boolean(),
  steps: z.array(
    z.object({
      step: z.string(),
      title: z.string(),
      state: z.string(),
      durationMs: z.number().nullable(),
      detail: z.string().nullable(),
      error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() }).nullable(),
      remedy: z
        .object({
          sql: z.string().nullable(),
          hba: z.string().nullable(),
          settings: z.string().nullable(),
          advice: z.string().nullable(),
          needs: z.string().nullable(),
        })
        .nullable(),
    }),
  ),
});
type Step = z.infer<typeof Report>["steps"][number];

/** Prints what a connection test found, step by step with the remedy of the failing one. Answers null when it left no report. */
export async function printConnectionReport(session: Session, runId: string): Promise<boolean | null> {
  const { run } = await session.api.query(
    z.object({ run: z.object({ connectionReport: Report.nullable(), result: z.unknown() }).nullable() }),
    `query ($id: ID!) { run(id: $id) { connectionReport { ok steps {
      step title state durationMs detail error { code message hint } remedy { sql hba settings advice needs } } } result } }`,
    { id: runId },
  );
  const report = run?.connectionReport ?? null;
  if (report === null) return null;
  const { output } = session;
  if (output.format === "json") output.write(`${JSON.stringify(report.steps, null, 2)}\n`);
  else if (output.format === "ndjson") for (const step of report.steps) output.write(`${JSON.stringify(step)}\n`);
  else {
    for (const step of report.steps) output.write(stepText(step));
    const { checks } = Checks.parse(run?.result);
    if (checks.some((check) => check.state === "found")) {
      output.write("\n");
      printChecks(output, checks);
    }
  }
  return report.ok;
}

const Checks = z.object({ checks: z.array(ServerCheck).default([]) });

function stepText(step: Step): string {
  const took = step.durationMs === null ? "" : ` (${formatDuration(step.durationMs)})`;
  const lines = [
    `${lowerState(step.state).padEnd(8)} ${step.title}${step.detail === null ? "" : `: ${step.detail}`}${took}`,
  ];
  if (step.error !== null) lines.push(`         ${step.error.message} [${step.error.code}]`);
  if (step.error?.hint != null) lines.push(`         ${step.error.hint}`);
  if (step.remedy !== null) lines.push(...remedyText(step.remedy, "         "));
  return `${lines.join("\n")}\n`;
}
