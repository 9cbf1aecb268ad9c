import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "./child.mjs";
import { duration } from "./phase.mjs";

/** All tests together should take less than this; one that hangs must still leave room for a report in CI's time. */
const longestRunMs = 22 * 60_000;

/**
 * Runs one project of vitest.config.ts and counts from its report. A run that ends without a whole report counts as
 * one failure, however it exited.
 *
 * @returns {Promise<{ passed: number, failed: number, skipped: number }>}
 */
export async function runVitest(project, logDir) {
  const report = join(logDir, `${project}.json`);
  const log = join(logDir, `${project}.log`);
  rmSync(report, { force: true });
  const args = ["run", "--project", project, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const result = await run("vitest", args, {
    log,
    timeoutMs: longestRunMs,
    environment: { FORCE_COLOR: "0", NO_COLOR: "1" },
  });
  const counts = readReport(report);
  if (counts === null) {
    console.log(`  FAIL ${project} tests: vitest ended (${result.exitCode}) without a report\n${tail(result.output)}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const { passed, skipped, failures } = counts;
  // Something outside a test failed: an unhandled rejection, a leak, a file that does not load.
  if (result.exitCode !== 0 && failures.length === 0)
    failures.push(`vitest exited with ${result.exitCode}\n${tail(result.output)}`);
  const mark = failures.length === 0 ? "ok  " : "FAIL";
  console.log(
    `  ${mark} ${project} tests: ${passed} passed, ${failures.length} failed, ${duration(result.durationMs)}`,
  );
  for (const failure of failures) console.log(`\n${failure}`);
  if (failures.length > 0) console.log(`\n       (all of it: ${log})`);
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
  const failures = [];
  let passed = 0;
  let skipped = 0;
  for (const file of report.testResults) {
    const name = file.name.replace(`${root}/`, "");
    if (file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed")) {
      failures.push(`${name}: ${file.message || "the file failed outside its tests"}`);
    }
    for (const test of file.assertionResults) {
      if (test.status === "passed") passed++;
      else if (test.status === "failed")
        failures.push(`${name} > ${test.fullName}\n${test.failureMessages.join("\n")}`);
      else skipped++;
    }
  }
  return { passed, skipped, failures };
}

function tail(output) {
  return output.trimEnd().split("\n").slice(-40).join("\n");
}
