// Builds the dashboard (`npm run build` of apps/web) when its inputs changed.
import { join } from "node:path";
import { root, run } from "./bootstrap/child.mjs";
import { Failure } from "./bootstrap/failure.mjs";
import { hashInputs, isUpToDate, recordSuccess } from "./bootstrap/inputs.mjs";
import { phase } from "./bootstrap/phase.mjs";

const server = "apps/web/.next/standalone/apps/web/server.js";

export async function buildWeb(logDir) {
  const inputs = ["apps/web", "packages/kit/src", "packages/api-schema", "tsconfig.base.json", "package-lock.json"];
  const hash = hashInputs(inputs);
  if (isUpToDate("build-web", hash, [server])) return;
  await phase("building the dashboard", async () => {
    const log = join(logDir, "build-web.log");
    const result = await run("npm", ["run", "--silent", "build"], {
      cwd: join(root, "apps", "web"),
      log,
      environment: { NODE_ENV: "production" },
    });
    if (result.exitCode !== 0) throw buildFailure(result.output, log);
    recordSuccess("build-web", hash);
  });
}

function buildFailure(output, log) {
  if (/ENOSPC/.test(output)) {
    return new Failure("disk-full", "the disk became full while the dashboard was built", "free 1 GB and try again");
  }
  const words = output.trim().split("\n").slice(-15).join("\n    ");
  return new Failure("install-failed", `the dashboard could not be built:\n    ${words}`, `its whole log is ${log}`);
}
