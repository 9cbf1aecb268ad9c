// Builds the archive module for one PostgreSQL and prints where it is. Plain JavaScript for any Node from 20 on.
//   node native/archive-module/scripts/build.mjs --major 18 [--out FOLDER]
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { findPgConfig } from "./find-pg-config.mjs";

const source = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const home = process.env.TIDEMARK_HOME ?? resolve(source, "../../.tidemark");

// PGXS brings the flags of whoever built that PostgreSQL, and an older compiler does not know all of them.
const flags =
  "-O2 -g -std=gnu99 -D_GNU_SOURCE -Wall -Wextra -Wpointer-arith -Wdeclaration-after-statement -Werror=vla -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -fno-strict-aliasing -fwrapv -Werror";

try {
  const { major, out } = readArguments(process.argv.slice(2));
  console.log(build(major, out));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

/** @returns {string} the path of the built library, which appears whole or not at all */
function build(major, out) {
  for (const program of ["make", "gcc"]) {
    if (spawnSync(program, ["--version"]).status !== 0) throw new Error(`${program} is not installed`);
  }
  const { pgConfig, notice } = findPgConfig(major, join(home, "cache", "postgres-headers"));
  console.error(`PostgreSQL ${major}: ${notice}`);
  const work = `${out}.building-${process.pid}`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  try {
    const make = ["-s", "-f", join(source, "Makefile"), `PG_CONFIG=${pgConfig}`, "CC=gcc", `CFLAGS=${flags} -fPIC`];
    const result = spawnSync("make", [...make, "with_llvm=no"], { cwd: work, encoding: "utf8" });
    const built = join(work, "tidemark_archive.so");
    if (result.status !== 0 || !existsSync(built)) {
      throw new Error(`the archive module for PostgreSQL ${major} cannot be built:\n${result.stdout}${result.stderr}`);
    }
    mkdirSync(out, { recursive: true });
    renameSync(built, join(out, "tidemark_archive.so"));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return join(out, "tidemark_archive.so");
}

function readArguments(args) {
  const readValue = (name) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  const major = Number(readValue("--major"));
  if (![15, 16, 17, 18].includes(major)) {
    throw new Error("usage: build.mjs --major 15|16|17|18 [--out FOLDER] (archive modules came with 15)");
  }
  const out = readValue("--out");
  return { major, out: out === undefined ? join(home, "cache", "archive-module", String(major)) : resolve(out) };
}
