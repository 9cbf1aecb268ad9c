import { formatDuration } from "@tidemark/kit";
import { z } from "zod";
import type { Session } from "./context.ts";
import { lowerState } from "./output.ts";

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
    z.object({ run: z.object({ connectionReport: Report.nullable() }).nullable() }),
    `query ($id: ID!) { run(id: $id) { connectionReport { ok steps {
      step title state durationMs detail error { code message hint } remedy { sql hba settings needs } } } } }`,
    { id: runId },
  );
  const report = run?.connectionReport ?? null;
  if (report === null) return null;
  const { output } = session;
  if (output.format === "json") output.write(`${JSON.stringify(report.steps, null, 2)}\n`);
  else if (output.format === "ndjson") for (const step of report.steps) output.write(`${JSON.stringify(step)}\n`);
  else for (const step of report.steps) output.write(stepText(step));
  return report.ok;
}

function stepText(step: Step): string {
  const took = step.durationMs === null ? "" : ` (${formatDuration(step.durationMs)})`;
  const lines = [
    `${lowerState(step.state).padEnd(8)} ${step.title}${step.detail === null ? "" : `: ${step.detail}`}${took}`,
  ];
  if (step.error !== null) lines.push(`         ${step.error.message} [${step.error.code}]`);
  if (step.error?.hint != null) lines.push(`         ${step.error.hint}`);
  for (const remedy of remedyLines(step)) lines.push(`         ${remedy}`);
  return `${lines.join("\n")}\n`;
}

function remedyLines(step: Step): readonly string[] {
  const { remedy } = step;
  if (remedy === null) return [];
  return [
    remedy.sql === null ? null : `run: ${remedy.sql}`,
    remedy.hba === null ? null : `pg_hba.conf: ${remedy.hba}`,
    remedy.settings === null ? null : `settings: ${remedy.settings}`,
    remedy.needs === null ? null : `then: ${remedy.needs}`,
  ].filter((line) => line !== null);
}
