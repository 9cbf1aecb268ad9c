// `npm run test:chaos` on any Node from 20 on: 200 seeded histories of deaths, cuts and full disks, each restored and
// compared (e2e/chaos). TIDEMARK_CHAOS: how many; TIDEMARK_CHAOS_SEED: the first one's seed.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { environment, root } from "./bootstrap/child.mjs";
import { main } from "./bootstrap/failure.mjs";
import { ensureInstalled } from "./bootstrap/install.mjs";
import { ensureTestServers } from "./bootstrap/test-needs.mjs";
import { generate } from "./generate.mjs";

await main(async () => {
  const logDir = join(root, ".tidemark", "test-logs");
  await ensureInstalled(logDir);
  await ensureTestServers(logDir);
  await generate(logDir);
  const { TIDEMARK_CHAOS = "200" } = process.env;
  const env = environment({ TIDEMARK_CHAOS });
  const args = ["run", "--project", "kill", "e2e/chaos/chaos.test.ts", ...process.argv.slice(2)];
  return spawnSync("vitest", args, { cwd: root, env, stdio: "inherit" }).status ?? 1;
});
