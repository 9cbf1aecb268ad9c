import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// The file Node takes ("main"), not the bundlers' ("module"). Otherwise a test would load graphql a second time, from another
// file than the libraries it tests with, and instances of the one are none of the other.
const resolve = {
  alias: [
    { find: /^graphql$/, replacement: createRequire(import.meta.url).resolve("graphql") },
    { find: /^fast-check$/, replacement: fileURLToPath(new URL("scripts/fast-check.config.mjs", import.meta.url)) },
  ],
};

// A property tried a hundred times as often takes longer than a test may.
const isLongSearch = process.env.TIDEMARK_PROPERTY_TIMES !== undefined;

export default defineConfig({
  test: {
    projects: [
      {
        resolve,
        test: {
          name: "unit",
          include: ["{apps,packages}/*/src/**/*.test.ts", "scripts/**/*.test.ts"],
          exclude: ["**/*.int.test.ts", "**/node_modules/**"],
          testTimeout: isLongSearch ? 0 : 20_000,
        },
      },
      {
        resolve,
        test: {
          name: "integration",
          include: ["{apps,packages}/*/src/**/*.int.test.ts"],
          globalSetup: ["packages/testkit/src/leftovers.ts"],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          // Two cores: each file brings its own PostgreSQL servers.
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: "kill",
          include: ["e2e/{kill,chaos}/**/*.test.ts"],
          globalSetup: ["packages/testkit/src/leftovers.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // One after another: a file starts several servers and processes, and its waits count on a core being free.
          maxWorkers: 1,
        },
      },
    ],
  },
});
