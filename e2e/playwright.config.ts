import { defineConfig } from "@playwright/test";
import { browserState } from "./product/shared.ts";

/** A browser to use instead of Playwright's own, where that cannot be had. */
const executablePath = process.env.TIDEMARK_E2E_CHROMIUM;

/**
 * Stories over the whole running product, one instance for all of them. A newcomer's first steps come first and leave
 * their login behind; the others go on from there. Each brings its own PostgreSQL servers.
 */
export default defineConfig({
  testDir: "stories",
  globalSetup: "./product/global-setup.ts",
  // Two cores, shared with the product itself.
  workers: 2,
  retries: 0,
  // Conditions are waited for, so these only bound what never comes. A machine that was slow for a while took 16 s from a
  // click to the run's page (2026-11-21).
  timeout: 240_000,
  expect: { timeout: 40_000 },
  use: {
    trace: { mode: "retain-on-failure", screenshots: false, sources: false },
    screenshot: "only-on-failure",
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    viewport: { width: 1280, height: 800 },
    launchOptions: {
      ...(executablePath === undefined ? {} : { executablePath }),
      // Run by root a browser has no sandbox; without the rest it calls its maker's hosts at every start.
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  projects: [
    { name: "newcomer", testMatch: "newcomer.spec.ts" },
    {
      name: "stories",
      testIgnore: "newcomer.spec.ts",
      dependencies: ["newcomer"],
      use: { storageState: browserState },
    },
  ],
});
