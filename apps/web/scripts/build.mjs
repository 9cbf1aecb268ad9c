// Builds the dashboard and completes its standalone form. No network is used: Next's telemetry is off, fonts are local.
import { spawnSync } from "node:child_process";
import { cp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const room = resolve(import.meta.dirname, "..");
const next = createRequire(import.meta.url).resolve("next/dist/bin/next");
const build = spawnSync(process.execPath, [next, "build"], {
  cwd: room,
  stdio: "inherit",
  env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" },
});
if (build.status !== 0) process.exit(build.status ?? 1);

// The standalone server serves static files only from beside itself; the build leaves them elsewhere (Next's `output: "standalone"`).
const served = resolve(room, ".next/standalone/apps/web");
for (const part of [".next/static", "public"]) {
  await rm(resolve(served, part), { recursive: true, force: true });
  await cp(resolve(room, part), resolve(served, part), { recursive: true });
}
