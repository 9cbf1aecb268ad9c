// `npm run generate`: runs the `generate` script of every workspace that has one, when its inputs changed.
// `npm run generate -- --check` runs them all and fails when a committed file changes by it.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root, run } from "./bootstrap/child.mjs";
import { Failure, main } from "./bootstrap/failure.mjs";
import { hashInputs, isUpToDate, recordSuccess } from "./bootstrap/inputs.mjs";
import { ensureInstalled } from "./bootstrap/install.mjs";
import { phase } from "./bootstrap/phase.mjs";
import { workspaces } from "./bootstrap/workspaces.mjs";

/** What a generator reads outside its own folder. */
const moreInputs = {
  metadata: ["prisma"],
  api: ["packages/kit/src", "packages/policy/src", "packages/jobs/src", "packages/metadata/src", "prisma"],
  web: ["packages/api-schema"],
};

/** What a generator makes that is not committed, and is therefore missing in a fresh clone. */
const uncommitted = { metadata: ["packages/metadata/src/generated"] };

/** Runs the generators whose inputs changed, all of them with `always`. Says nothing when there is nothing to do. */
export async function generate(logDir, { always = false } = {}) {
  for (const { folder, room, manifest } of workspaces()) {
    if (manifest.scripts?.generate === undefined) continue;
    const hash = () =>
      hashInputs([folder, ...(moreInputs[room] ?? []), "package-lock.json"], manifest.scripts.generate);
    if (!always && isUpToDate(`generate-${room}`, hash(), uncommitted[room] ?? [])) continue;
    await phase(`generating ${room}`, async () => {
      const log = join(logDir, `generate-${room}.log`);
      const result = await run("npm", ["run", "--silent", "generate"], { cwd: join(root, folder), log });
      if (result.exitCode === 0) return recordSuccess(`generate-${room}`, hash());
      const words = result.output.trim().split("\n").slice(-5).join("\n    ");
      throw new Failure("internal", `generating ${room} failed:\n    ${words}`, `its whole log is ${log}`);
    });
  }
}

/** What generators make that is committed, so that a change of the API shows in the diff. */
const committed = ["packages/api-schema", "apps/web/src/graphql"];

async function check(logDir) {
  const before = hashInputs(committed);
  await generate(logDir, { always: true });
  if (hashInputs(committed) === before) return 0;
  throw new Failure(
    "internal",
    `what is committed in ${committed.join(" or ")} is not what its generator makes`,
    "it was made anew just now: look at the change and commit it",
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await main(async () => {
    const logDir = join(root, ".tidemark", "generate-logs");
    await ensureInstalled(logDir);
    if (process.argv.includes("--check")) return await check(logDir);
    await generate(logDir);
    return 0;
  });
}
