// `npm run bench` on any Node from 20 on: installs what changed, then measures with Node 24 (docs/performance.md).
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { compileCache, environment, root } from "./bootstrap/child.mjs";
import { main } from "./bootstrap/failure.mjs";
import { ensureInstalled } from "./bootstrap/install.mjs";

await main(async () => {
  await ensureInstalled(join(root, "node_modules", ".cache", "tidemark", "bench-logs"));
  const program = join(root, "node_modules", "node", "bin", "node");
  const args = [join(root, "bench", "bench.ts"), ...process.argv.slice(2)];
  return (
    spawnSync(program, args, { cwd: root, env: environment({ NODE_COMPILE_CACHE: compileCache }), stdio: "inherit" })
      .status ?? 1
  );
});
