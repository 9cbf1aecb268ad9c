// The walls between rooms (ARCHITECTURE.md): which workspace may depend on which, in so many words.
//
// `turbo boundaries` refuses undeclared imports and, by the tags in turbo.json, whole chains of dependencies. It cannot
// tell a direct arrow from an indirect one nor a test's dependency from the product's, so this table does both, and
// checks that turbo.json's lists are what follows from it.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
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
  bench: [],
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
  bench: ["kit", "local-postgres", "postgres", "storage", "repository", "engine"],
  // The stories and kill tests look at every room from outside.
  e2e: ["testkit", "kit", "engine", "jobs", "metadata", "repository", "storage"],
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
    if (room !== "e2e" && room !== "bench") breaches.push(...importBreaches(folder, room, allowed));
  }
  return [...breaches, ...tagBreaches()];
}

/**
 * What the room's doors lead to and yet imports a room that only its tests may use. A file may import the test kit when
 * nothing but tests lead to it.
 */
function importBreaches(folder, room, allowed) {
  const files = new Map(sources(join(root, folder, "src")).map((file) => [file, importsOf(file)]));
  const reached = new Set();
  const pending = [...files.keys()].filter((file) => isDoor(join(root, folder), file));
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (reached.has(file) || !files.has(file)) continue;
    reached.add(file);
    pending.push(...files.get(file).inside);
  }
  return [...reached].flatMap((file) =>
    files
      .get(file)
      .rooms.filter((name) => name !== room && !allowed.includes(name))
      .map((name) => `${file.slice(root.length + 1)} may not import ${name}`),
  );
}

/** Where the product enters a room: its index, an app's main program and what Next.js routes to. */
function isDoor(folder, file) {
  return [join(folder, "src", "index.ts"), join(folder, "src", "main.ts")].includes(file) || file.includes("/src/app/");
}

function importsOf(file) {
  const specifiers = [...readFileSync(file, "utf8").matchAll(/\b(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(
    (match) => match[1],
  );
  return {
    inside: specifiers.filter((name) => name.startsWith(".")).map((name) => resolve(dirname(file), name)),
    rooms: specifiers.flatMap((name) => /^@tidemark\/([a-z-]+)/.exec(name)?.[1] ?? []),
  };
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
  if (!existsSync(folder)) return [];
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
