import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["{apps,packages}/*/src/**/*.test.ts", "scripts/**/*.test.ts"],
          exclude: ["**/*.int.test.ts", "**/node_modules/**"],
          testTimeout: 20_000,
        },
      },
      {
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
    ],
  },
});
