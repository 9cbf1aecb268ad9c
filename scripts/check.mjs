// `npm run check`: types, lint, walls, dead code, drift of generated files, unit tests. Under two minutes on two cores.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root, run } from "./bootstrap/child.mjs";
import { main } from "./bootstrap/failure.mjs";
import { ensureInstalled } from "./bootstrap/install.mjs";
import { duration } from "./bootstrap/phase.mjs";
import { runVitest } from "./bootstrap/vitest-run.mjs";

/** Each step alone; `when` leaves out what has nothing to look at yet. The slowest first, so that two lanes end together. */
const steps = [
  {
    name: "lint of promises and switches",
    command: ["eslint", "--no-error-on-unmatched-pattern", "apps", "packages", "bench", "e2e"],
  },
  { name: "types", command: ["tsc", "-p", "tsconfig.json"] },
  { name: "types of the dashboard", command: ["tsc", "-p", "apps/web/tsconfig.json"], when: "apps/web/tsconfig.json" },
  { name: "dead code", command: ["knip", "--no-progress"] },
  { name: "format and lint", command: ["biome", "ci", "--colors=off", "--max-diagnostics=50", "."] },
  { name: "walls: imports", command: ["turbo", "boundaries"] },
  { name: "lock file", command: ["node", "scripts/complete-lock.mjs", "--check"] },
  { name: "walls: arrows", command: ["node", "scripts/walls.mjs"] },
];

/**
 * Runs the checks, two at a time, and prints each one's outcome and the text of those that failed.
 *
 * @returns {Promise<{ failed: readonly string[] }>} the names of the steps that failed
 */
export async function runChecks(logDir) {
  const failed = [];
  // First and alone: the others read what the generators write.
  const drift = { name: "generated files", command: ["node", "scripts/generate.mjs", "--check"] };
  if (!(await runStep(drift, logDir))) failed.push(drift.name);
  const pending = steps.filter((step) => step.when === undefined || existsSync(join(root, step.when)));
  const lane = async () => {
    for (let step = pending.shift(); step !== undefined; step = pending.shift()) {
      if (!(await runStep(step, logDir))) failed.push(step.name);
    }
  };
  await Promise.all([lane(), lane()]);
  return { failed };
}

async function runStep(step, logDir) {
  const [command, ...args] = step.command;
  const log = join(logDir, `check-${step.name.replaceAll(/[^a-z]+/g, "-")}.log`);
  const result = await run(command, args, { log });
  const passed = result.exitCode === 0;
  console.log(`  ${passed ? "ok  " : "FAIL"} ${step.name}, ${duration(result.durationMs)}`);
  if (!passed) console.log(indent(excerpt(result.output), "       "), `\n       (all of it: ${log})`);
  return passed;
}

/** The beginning and the end of a long output: tools put the first finding first and the summary last. */
function excerpt(output) {
  const lines = output.trimEnd().split("\n");
  if (lines.length <= 80) return lines.join("\n");
  return [...lines.slice(0, 60), `… ${lines.length - 75} lines left out …`, ...lines.slice(-15)].join("\n");
}

function indent(text, by) {
  return text.replaceAll(/^/gm, by);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await main(async () => {
    const logDir = join(root, ".tidemark", "test-logs");
    await ensureInstalled(logDir);
    const { failed } = await runChecks(logDir);
    const unit = await runVitest("unit", logDir);
    if (failed.length > 0) console.log(`\nfailed: ${failed.join(", ")}`);
    console.log(`\n${unit.passed} unit tests passed, ${unit.failed} failed, ${unit.skipped} skipped`);
    return failed.length > 0 || unit.failed > 0 ? 1 : 0;
  });
}
