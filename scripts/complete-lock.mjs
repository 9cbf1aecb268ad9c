// Completes package-lock.json with the platform builds npm left out of it.
//
// npm drops an optional package it could not see while it wrote the lock (a registry mirror that carries some platforms
// only), and then `npm ci` refuses the lock as out of step, and on the platforms left out programs are missing. Each is
// a package of an exact version named by its parent; its platform is in its name. `--check` only says what is missing.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./bootstrap/child.mjs";

const path = join(root, "package-lock.json");
const lock = JSON.parse(readFileSync(path, "utf8"));

const missing = Object.entries(lock.packages).flatMap(([parent, entry]) =>
  Object.entries(entry.optionalDependencies ?? {})
    .filter(([name]) => !isLocked(parent, name))
    .map(([name, version]) => ({ parent, name, version })),
);

if (process.argv.includes("--check")) {
  for (const { parent, name } of missing) console.log(`package-lock.json lacks ${name}, which ${parent} may bring`);
  if (missing.length > 0) console.log("run: node scripts/complete-lock.mjs");
  process.exitCode = missing.length === 0 ? 0 : 1;
} else {
  for (const { parent, name, version } of missing) {
    if (!/^\d+\.\d+\.\d+/.test(version))
      throw new Error(`${parent} wants ${name}@${version}, which is no exact version`);
    const development = lock.packages[parent].dev === true ? { dev: true } : {};
    lock.packages[`node_modules/${name}`] = { version, ...platformOf(name), ...development, optional: true };
  }
  const inOrder = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en"));
  writeFileSync(path, `${JSON.stringify({ ...lock, packages: Object.fromEntries(inOrder) }, null, 2)}\n`);
  console.log(`${missing.length} packages added`);
}

/** Node looks for a package beside its parent, then in each folder above. */
function isLocked(parent, name) {
  for (let folder = parent; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("node_modules/") - 1))) {
    if (lock.packages[`${folder === "" ? "" : `${folder}/`}node_modules/${name}`] !== undefined) return true;
    if (!folder.includes("node_modules/")) return lock.packages[`node_modules/${name}`] !== undefined;
  }
}

/** `os`, `cpu` and `libc` as npm knows them, from names such as `@next/swc-win32-x64-msvc`, `@turbo/darwin-64`. */
function platformOf(name) {
  const words = name.split(/[/-]/);
  const systems = {
    windows: "win32",
    win32: "win32",
    darwin: "darwin",
    linux: "linux",
    android: "android",
    freebsd: "freebsd",
    openharmony: "openharmony",
  };
  const processors = {
    64: "x64",
    x64: "x64",
    arm64: "arm64",
    arm: "arm",
    ia32: "ia32",
    ppc64: "ppc64",
    riscv64: "riscv64",
    s390x: "s390x",
    wasm32: "wasm32",
  };
  const os = words.map((word) => systems[word]).filter((word) => word !== undefined);
  const cpu = words.map((word) => processors[word]).filter((word) => word !== undefined);
  if (os.length === 0 && cpu[0] !== "wasm32") throw new Error(`the platform of ${name} is not in its name`);
  return {
    cpu,
    ...(words.includes("musl") || words.includes("musleabihf") ? { libc: ["musl"] } : {}),
    ...(os.length === 0 ? {} : { os }),
  };
}
