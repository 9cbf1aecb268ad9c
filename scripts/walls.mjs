// The walls between rooms (ARCHITECTURE.md): which workspace may depend on which, in so many words.
//
// `turbo boundaries` refuses undeclared imports and, by the tags in turbo.json, whole chains of dependencies. It cannot
// tell a direct arrow from an indirect one nor a test's dependency from the product's, so this table does both, and
// checks that turbo.json's lists are what follows from it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./bootstrap/child.mjs";
import { workspaces } from "./bootstrap/workspaces.mjs";

/** What each room's product code may import of ours. */
const arrows = {
  kit: [],
  policy: ["kit"],
  postgres: ["kit"],
  storage: ["kit"],
  repository: ["kit", "storage"],
  "local-postgres": ["kit"],
  engine: ["kit", "policy", "postgres", "storage", "repository", "local-postgres"],
  metadata: ["kit", "policy"],
  jobs: ["kit"],
  "api-schema": [],
  testkit: ["kit", "local-postgres"],
  api: ["kit", "policy", "metadata", "jobs", "api-schema"],
  worker: ["kit", "policy", "postgres", "local-postgres", "storage", "repository", "engine", "metadata", "jobs"],
  web: ["api-schema", "kit"],
  cli: ["kit", "engine", "repository", "storage", "postgres"],
  start: ["kit", "local-postgres", "metadata", "jobs"],
  e2e: [],
};

/** What tests may import besides: the test kit everywhere, and the rooms a test needs around the one it tests. */
const testArrows = {
  kit: [],
  policy: [],
  "local-postgres": [],
  testkit: [],
  "api-schema": [],
  web: [],
  e2e: ["testkit", "kit"],
  jobs: ["testkit", "metadata"],
};

/** All violations as sentences. */
export function findBreaches() {
  const breaches = [];
  for (const { folder, room, manifest } of workspaces()) {
    const allowed = arrows[room];
    if (allowed === undefined) {
      breaches.push(`${folder} is not in the table of scripts/walls.mjs`);
      continue;
    }
    const tests = [...allowed, ...(testArrows[room] ?? ["testkit"])];
    for (const name of ours(manifest.dependencies)) {
      if (!allowed.includes(name)) breaches.push(`${folder}/package.json: ${room} may not depend on ${name}`);
    }
    for (const name of ours(manifest.devDependencies)) {
      if (!tests.includes(name)) breaches.push(`${folder}/package.json: ${room}'s tests may not depend on ${name}`);
    }
    breaches.push(...importBreaches(folder, room, allowed));
  }
  return [...breaches, ...tagBreaches()];
}

/** Product files that import what is only there for tests. */
function importBreaches(folder, room, allowed) {
  if (room === "e2e") return [];
  const breaches = [];
  for (const file of sources(join(root, folder, "src"))) {
    if (isTestFile(file)) continue;
    for (const [, name] of readFileSync(file, "utf8").matchAll(/\bfrom\s+"@tidemark\/([a-z-]+)[^"]*"/g)) {
      if (name !== room && !allowed.includes(name))
        breaches.push(`${file.slice(root.length + 1)} may not import ${name}`);
    }
  }
  return breaches;
}

/** Tests, and the suites and fixtures that only tests import. */
function isTestFile(file) {
  return /\.test\.tsx?$|[/.-]test-?(support|fixtures|kit)?[/.]|fixtures?\//.test(file);
}

/** turbo looks at whole chains, development included, so each of its lists is the closure of the arrows above. */
function tagBreaches() {
  const { tags } = JSON.parse(readFileSync(join(root, "turbo.json"), "utf8")).boundaries;
  const breaches = [];
  for (const room of Object.keys(arrows)) {
    const wanted = closure(room).join(" ");
    const listed = [...(tags[room]?.dependencies?.allow ?? [])].sort().join(" ");
    if (wanted !== listed) breaches.push(`turbo.json: ${room} allows [${listed}], but the arrows mean [${wanted}]`);
  }
  return breaches;
}

function closure(room) {
  const reached = new Set();
  const pending = [room];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const name of [...(arrows[next] ?? []), ...(testArrows[next] ?? ["testkit"])]) {
      if (!reached.has(name)) pending.push(name);
      reached.add(name);
    }
  }
  reached.delete(room);
  return [...reached].sort();
}

function ours(dependencies = {}) {
  const prefix = "@tidemark/";
  return Object.keys(dependencies)
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length));
}

function sources(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(
      (entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !/generated/.test(entry.parentPath ?? entry.path),
    )
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  if (process.argv.includes("--print")) {
    const tags = Object.keys(arrows).map((room) => [room, { dependencies: { allow: closure(room) } }]);
    console.log(JSON.stringify(Object.fromEntries(tags), null, 2));
  } else {
    const breaches = findBreaches();
    for (const breach of breaches) console.log(breach);
    process.exitCode = breaches.length === 0 ? 0 : 1;
  }
}
