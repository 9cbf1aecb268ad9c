import { z } from "zod";
import { exitCodes } from "./exit-code.ts";
import type { Output } from "./output.ts";
import { remedyText } from "./remedy-text.ts";

/** Worst first. */
export const severities = ["blocks-backup", "blocks-wal", "risk", "note"] as const;

export const Remedy = z.object({
  sql: z.string().optional(),
  hba: z.string().optional(),
  settings: z.string().optional(),
  advice: z.string().optional(),
  needs: z.enum(["reload", "restart"]).optional(),
});
export type Remedy = z.infer<typeof Remedy>;

/** One readiness check of a server, as runs and REST have it. */
export const ServerCheck = z.object({
  id: z.string(),
  title: z.string(),
  state: z.enum(["ok", "found", "not-asked"]),
  severity: z.enum(severities),
  read: z.string(),
  required: z.string(),
  found: z.string(),
  why: z.string(),
  remedy: Remedy.nullable(),
});
export type ServerCheck = z.infer<typeof ServerCheck>;

/** Exit code 1 while one blocks backups, else 0: what a script goes by. */
export function checksExitCode(checks: readonly ServerCheck[]): number {
  const blocks = checks.some((check) => check.state === "found" && check.severity === "blocks-backup");
  return blocks ? exitCodes.failed : exitCodes.done;
}

/** What was found, worst first: for scripts the findings alone, for people with the remedies to copy. */
export function printChecks(output: Output, checks: readonly ServerCheck[]): void {
  const found = worstFirst(checks.filter((check) => check.state === "found"));
  if (output.format === "json") output.write(`${JSON.stringify(found.map(findingJson), null, 2)}\n`);
  else if (output.format === "ndjson")
    for (const check of found) output.write(`${JSON.stringify(findingJson(check))}\n`);
  else output.write(checksText(found, checks));
}

/** A finding as `-o json` has it; a remedy that is not known is an empty object. */
export function findingJson(check: ServerCheck): object {
  const { id, severity, title, read, found, required, why, remedy } = check;
  return { id, severity, title, read, found, required, why, remedy: remedy ?? {} };
}

function worstFirst(checks: readonly ServerCheck[]): readonly ServerCheck[] {
  return [...checks].sort((left, right) => severities.indexOf(left.severity) - severities.indexOf(right.severity));
}

const headings: Readonly<Record<ServerCheck["severity"], string>> = {
  "blocks-backup": "Blocks backups",
  "blocks-wal": "Blocks WAL",
  risk: "Risks",
  note: "Notes",
};

function checksText(found: readonly ServerCheck[], all: readonly ServerCheck[]): string {
  const groups = severities.flatMap((severity) => {
    const group = found.filter((check) => check.severity === severity);
    return group.length === 0 ? [] : [`${headings[severity]}\n\n${group.map(findingText).join("\n")}`];
  });
  const notAsked = all.filter((check) => check.state === "not-asked");
  const left = notAsked.length === 0 ? [] : [`Not asked\n\n${notAsked.map(notAskedText).join("")}`];
  return `${[...groups, ...left, summary(all)].join("\n")}`;
}

function findingText(check: ServerCheck): string {
  return [
    `  ${check.id}: ${check.title}`,
    `    found     ${check.found}`,
    `    required  ${check.required}`,
    `    because   ${check.why}`,
    ...(check.remedy === null ? [] : remedyText(check.remedy, "    ")),
  ]
    .join("\n")
    .trimEnd()
    .concat("\n");
}

function notAskedText(check: ServerCheck): string {
  return `  ${check.id}: ${check.found}\n`;
}

function summary(all: readonly ServerCheck[]): string {
  const count = (state: ServerCheck["state"]) => all.filter((check) => check.state === state).length;
  const parts = [`${count("ok")} ok`, `${count("found")} found`];
  if (count("not-asked") > 0) parts.push(`${count("not-asked")} not asked`);
  return `${all.length === 1 ? "1 check" : `${all.length} checks`}: ${parts.join(", ")}\n`;
}
