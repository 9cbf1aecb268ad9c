import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import type { CommandContext } from "./context.ts";
import { runCommand } from "./run-command.ts";
import { captureOutput } from "./test-output.ts";

const golden = fileURLToPath(new URL("../../../packages/repository/fixtures/golden-1", import.meta.url));

async function run(...args: string[]) {
  const captured = captureOutput("json");
  const context = { environment: {}, output: () => captured.output } as unknown as CommandContext;
  const code = await runCommand(context, ["catalog", "list", ...args]);
  return { code, written: captured.written(), noted: captured.noted() };
}

it("lists a repository's servers, backups and holds with no control plane at hand", async () => {
  const key = ["--key-file", `${golden}/key.txt`];
  const { code, written } = await run("--repository", `${golden}/encrypted`, ...key, "-o", "json");
  expect(code).toBe(0);
  const backups = JSON.parse(written) as Record<string, unknown>[];
  expect(backups.map(({ id, server, hold, damaged }) => [id, server, hold, damaged])).toEqual([
    ["bak_first", "orders", "audit 2026", null],
    ["bak_second", "orders", null, null],
  ]);
});

it("says that a key is needed, and shows none of it", async () => {
  const missing = await run("--repository", `${golden}/encrypted`);
  expect(missing.code).not.toBe(0);
  expect(missing.noted).toContain("repository-key-missing");
  expect(missing.noted).not.toContain(readFileSync(`${golden}/key.txt`, "utf8").trim());
});
