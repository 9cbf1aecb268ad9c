// `npm test`: installs what the tests need, checks, then unit, integration, kill and end-to-end tests. The last line counts.
//   npm test -- --only unit,integration      some of check, unit, integration, kill, e2e
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "./bootstrap/child.mjs";
import { main, printFailure } from "./bootstrap/failure.mjs";
import { ensureInstalled } from "./bootstrap/install.mjs";
import { duration, phase } from "./bootstrap/phase.mjs";
import { runPlaywright } from "./bootstrap/playwright-run.mjs";
import { ensureTestServers, findBrowser } from "./bootstrap/test-needs.mjs";
import { runVitest } from "./bootstrap/vitest-run.mjs";
import { buildWeb } from "./build-web.mjs";
import { runChecks } from "./check.mjs";
import { generate } from "./generate.mjs";

const phases = ["check", "unit", "integration", "kill", "e2e"];
const logDir = join(root, ".tidemark", "test-logs");

await main(async () => {
  const wanted = readArguments(process.argv.slice(2));
  if (wanted === null) return 2;
  const startedMs = performance.now();
  console.log(`Tidemark's tests: ${wanted.join(", ")}. Full logs: ${logDir}\n\nWhat they need:`);
  const total = { passed: 0, failed: 0, skipped: 0 };
  if (await attempt(total, () => ensureInstalled(logDir))) await runPhases(wanted, total);
  console.log(`\nAll of it took ${duration(performance.now() - startedMs)}.\n`);
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
});

async function runPhases(wanted, total) {
  const withServers = ["integration", "kill", "e2e"];
  if (wanted.some((name) => withServers.includes(name))) await attempt(total, () => ensureTestServers(logDir));
  await attempt(total, () => generate(logDir));
  const acts = {
    check: countChecks,
    unit: () => runVitest("unit", logDir),
    integration: () => runVitest("integration", logDir),
    kill: runKillTests,
    e2e: runEndToEnd,
  };
  for (const name of phases.filter((each) => wanted.includes(each))) {
    console.log(`\n${name}:`);
    const phaseStartedMs = performance.now();
    await attempt(total, acts[name]);
    console.log(`  ${name} took ${duration(performance.now() - phaseStartedMs)}`);
  }
}

/** Adds what `act` counted; one that throws is a failure with a sentence, and the others go on. */
async function attempt(total, act) {
  try {
    const counts = (await act()) ?? {};
    for (const key of Object.keys(total)) total[key] += counts[key] ?? 0;
    return true;
  } catch (error) {
    total.failed++;
    printFailure(error);
    return false;
  }
}

/** A failed check counts as one failed test; a passed one is no test. */
async function countChecks() {
  const { failed } = await runChecks(logDir);
  return { passed: 0, failed: failed.length, skipped: 0 };
}

async function runKillTests() {
  const table = join(logDir, "kill-points.txt");
  rmSync(table, { force: true });
  const counts = await runVitest("kill", logDir);
  if (existsSync(table)) console.log(`\n${readFileSync(table, "utf8").trimEnd()}\n`);
  return counts;
}

async function runEndToEnd() {
  if (!existsSync(join(root, "e2e", "playwright.config.ts"))) {
    console.log("  FAIL e2e/playwright.config.ts is missing, so no end-to-end test can run");
    return { passed: 0, failed: 1, skipped: 0 };
  }
  await buildWeb(logDir);
  let browser;
  await phase("finding a browser", async () => {
    browser = await findBrowser(logDir);
    return browser.sentence;
  });
  if (browser.environment === null) return { passed: 0, failed: 1, skipped: 0 };
  return await runPlaywright(browser.environment, logDir);
}

function readArguments(args) {
  if (args.length === 0) return phases;
  const chosen = args[0] === "--only" && args.length === 2 ? args[1].split(",") : [];
  if (chosen.length > 0 && chosen.every((name) => phases.includes(name))) return chosen;
  console.error(`usage: npm test -- [--only ${phases.join(",")}]`);
  return null;
}
