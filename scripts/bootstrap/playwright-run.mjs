import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "./child.mjs";
import { duration } from "./phase.mjs";

/** All tests together should take less than this; one that hangs must still leave room for a report in CI's time. */
const longestRunMs = 15 * 60_000;

/**
 * Runs the stories of e2e/ and counts from Playwright's report. A run without a whole report counts as one failure.
 *
 * @param {Record<string, string>} browser what the configuration needs to find the browser (see test-needs.mjs)
 * @returns {Promise<{ passed: number, failed: number, skipped: number }>}
 */
export async function runPlaywright(browser, logDir) {
  const report = join(logDir, "e2e.json");
  const log = join(logDir, "e2e.log");
  rmSync(report, { force: true });
  const result = await run("playwright", ["test", "--reporter=list,json"], {
    cwd: join(root, "e2e"),
    log,
    timeoutMs: longestRunMs,
    environment: {
      ...browser,
      PLAYWRIGHT_JSON_OUTPUT_NAME: report,
      PLAYWRIGHT_JSON_OUTPUT_FILE: report,
      NO_COLOR: "1",
    },
  });
  const counts = readReport(report);
  if (counts === null) {
    console.log(`  FAIL e2e: Playwright ended (${result.exitCode}) without a report\n${tail(result.output)}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const { passed, skipped, failures } = counts;
  if (result.exitCode !== 0 && failures.length === 0)
    failures.push(`Playwright exited with ${result.exitCode}\n${tail(result.output)}`);
  if (passed + failures.length === 0) failures.push("no story was run");
  const mark = failures.length === 0 ? "ok  " : "FAIL";
  console.log(`  ${mark} stories: ${passed} passed, ${failures.length} failed, ${duration(result.durationMs)}`);
  for (const failure of failures) console.log(`\n${failure}`);
  if (failures.length > 0) console.log(`\n       (all of it: ${log}; traces and pictures: e2e/test-results)`);
  return { passed, failed: failures.length, skipped };
}

function readReport(path) {
  if (!existsSync(path)) return null;
  let report;
  try {
    report = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    // Cut off by the death of its writer: no report.
    return null;
  }
  const counts = { passed: 0, skipped: 0, failures: report.errors.map((error) => error.message ?? String(error)) };
  for (const suite of report.suites) countSuite(suite, counts);
  return counts;
}

function countSuite(suite, counts) {
  for (const inner of suite.suites ?? []) countSuite(inner, counts);
  for (const spec of suite.specs ?? []) {
    for (const test of spec.tests) {
      // A story that passes only at the second try is a failure: nobody looks at it otherwise.
      if (test.status === "skipped") counts.skipped++;
      else if (test.status === "expected") counts.passed++;
      else counts.failures.push(`${spec.file} > ${spec.title} (${test.status})\n${messagesOf(test)}`);
    }
  }
}

function messagesOf(test) {
  return test.results
    .flatMap((result) => result.errors ?? [])
    .map((error) => error.message ?? "")
    .join("\n");
}

function tail(output) {
  return output.trimEnd().split("\n").slice(-40).join("\n");
}
