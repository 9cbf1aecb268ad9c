// "Build only what changed": a step's inputs are hashed, and the hash of the last success is kept.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { root } from "./child.mjs";

// next-env.d.ts is rewritten by every build of the dashboard and ignored by git; it must not make the next start build again.
const ignored = new Set(["node_modules", ".next", ".tidemark", ".turbo", "generated", "coverage", "next-env.d.ts"]);

/** A hash over the names and contents of files and folders (relative to the clone; missing ones count as such). */
export function hashInputs(paths, extra = "") {
  const hash = createHash("sha256").update(extra);
  for (const file of paths.flatMap((path) => filesBelow(join(root, path)))) {
    hash.update(`\0${relative(root, file)}\0`).update(readFileSync(file));
  }
  return hash.digest("hex");
}

/** Whether `step` last succeeded with exactly these inputs and what it made is still there. */
export function isUpToDate(step, hash, outputs) {
  const path = recordPath(step);
  return existsSync(path) && readFileSync(path, "utf8") === hash && outputs.every((p) => existsSync(join(root, p)));
}

export function recordSuccess(step, hash) {
  mkdirSync(dirname(recordPath(step)), { recursive: true });
  writeFileSync(recordPath(step), hash);
}

function recordPath(step) {
  return join(root, "node_modules", ".cache", "tidemark", `${step}.hash`);
}

function filesBelow(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  const entries = readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.filter((entry) => !ignored.has(entry.name)).flatMap((entry) => filesBelow(join(path, entry.name)));
}
