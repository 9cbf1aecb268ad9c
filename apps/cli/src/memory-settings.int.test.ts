import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { boundedMemory } from "@tidemark/kit";
import { expect, it } from "vitest";

const bin = fileURLToPath(new URL("../bin/tidemark.mjs", import.meta.url));
/** Each process of the command says how it was started. */
const confess = `process.stderr.write(JSON.stringify({ of: process.argv[1], flags: process.execArgv, malloc: process.env.MALLOC_TRIM_THRESHOLD_ ?? null }) + "\\n")`;

function startsOf(args: readonly string[]) {
  const env = { PATH: process.env.PATH, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(confess)}` };
  const { stderr, status } = spawnSync(process.execPath, [bin, ...args], { encoding: "utf8", env });
  expect(status).toBe(0);
  return stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { of: string; flags: string[]; malloc: string | null });
}

it("gives a direct restore a worker's memory settings, and starts every other command once", {
  timeout: 20_000,
}, () => {
  const [, direct] = startsOf(["restore", "direct", "--help"]);
  expect(direct?.of).toMatch(/main\.ts$/);
  expect(direct?.flags).toEqual(expect.arrayContaining([...boundedMemory.nodeFlags]));
  expect(direct?.malloc).toBe(boundedMemory.environment.MALLOC_TRIM_THRESHOLD_);
  expect(startsOf(["restore", "plan", "--help"])).toMatchObject([{ malloc: null }]);
});
