// Finds what is needed to build for a PostgreSQL: its pg_config, its headers and PGXS. They are those installed on this
// machine, or, on Debian, taken out of its packages without installing anything.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The suites of Debian with a major (2026-11). No suite has 16. */
const suitesOf = { 15: ["bookworm"], 17: ["trixie"], 18: ["forky", "sid"] };
const mirror = "http://deb.debian.org/debian";
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * @param {number} major
 * @param {string} cacheDir where what comes out of packages is kept, a folder for each major
 * @returns {{ pgConfig: string, notice: string }}
 * @throws {Error} with a sentence on what to install, when there is no way
 */
export function findPgConfig(major, cacheDir) {
  const installed = [`/usr/lib/postgresql/${major}/bin/pg_config`, `/usr/pgsql-${major}/bin/pg_config`].find(canBuild);
  if (installed !== undefined) return { pgConfig: installed, notice: `built with ${installed}` };
  const folder = join(cacheDir, String(major));
  const pgConfig = join(folder, "pg_config");
  if (canBuild(pgConfig)) return { pgConfig, notice: `built with Debian's headers in ${folder}` };
  unpackDebian(major, folder);
  if (!canBuild(pgConfig)) throw new Error(`Debian's packages of PostgreSQL ${major} do not hold what a build needs`);
  return { pgConfig, notice: `built with headers from Debian's packages, now in ${folder}` };
}

function canBuild(pgConfig) {
  if (!existsSync(pgConfig)) return false;
  const answers = ["--includedir-server", "--pgxs"].map((option) => {
    const result = spawnSync(pgConfig, [option], { encoding: "utf8" });
    return result.status === 0 ? result.stdout.trim() : "";
  });
  return existsSync(join(answers[0], "postgres.h")) && existsSync(answers[1]);
}

/** Packages of newer suites can be unpacked here, not installed: so apt gets a configuration of its own, and nothing of the system's changes. */
function unpackDebian(major, folder) {
  const instead = `install postgresql-server-dev-${major} (or your system's like of it)`;
  if (!existsSync(keyring))
    throw new Error(`the headers of PostgreSQL ${major} are not here, and this is no Debian: ${instead}`);
  const suites = suitesOf[major];
  if (suites === undefined) throw new Error(`no suite of Debian has PostgreSQL ${major}: ${instead}`);
  const work = `${folder}.fetching-${process.pid}`;
  rmSync(work, { recursive: true, force: true });
  for (const part of ["lists/partial", "cache/archives/partial", "parts", "root"]) {
    mkdirSync(join(work, part), { recursive: true });
  }
  try {
    const lines = suites.map((suite) => `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
    writeFileSync(join(work, "sources.list"), lines.join(""));
    const apt = aptWith(work, instead, major);
    apt(["update"]);
    apt(["download", `postgresql-server-dev-${major}`, `postgresql-client-${major}`]);
    for (const name of readdirSync(work).filter((each) => each.endsWith(".deb"))) {
      must("dpkg", ["-x", join(work, name), join(work, "root")], {}, instead, major);
    }
    writePgConfig(major, join(work, "root"), folder);
    rmSync(folder, { recursive: true, force: true });
    renameSync(join(work, "root"), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function aptWith(work, instead, major) {
  const options = [
    `Dir::Etc::sourcelist=${join(work, "sources.list")}`,
    `Dir::Etc::sourceparts=${join(work, "parts")}`,
    `Dir::State::lists=${join(work, "lists")}`,
    `Dir::Cache=${join(work, "cache")}`,
    // As if nothing were installed: else what is installed is what apt wants, from wherever it came.
    "Dir::State::status=/dev/null",
    // Into a folder of ours, which apt's own account may not enter.
    "APT::Sandbox::User=root",
    "Acquire::Languages=none",
  ].flatMap((option) => ["-o", option]);
  return (args) => must("apt-get", ["-q", ...options, ...args], { cwd: work }, instead, major);
}

function must(command, args, options, instead, major) {
  const result = spawnSync(command, args, { encoding: "utf8", timeout: 240_000, ...options });
  if (result.status === 0) return;
  const last = `${result.stdout ?? ""}${result.stderr ?? ""}`.trim().split("\n").slice(-2).join(" ");
  throw new Error(`the headers of PostgreSQL ${major} cannot be had from Debian (${command}: ${last}): ${instead}`);
}

/**
 * The package's own pg_config is linked with the C library of its suite, and may not run here. What PGXS asks of it is
 * known without it.
 */
function writePgConfig(major, root, finalRoot) {
  const usr = join(finalRoot, "usr");
  const places = {
    bindir: `${usr}/lib/postgresql/${major}/bin`,
    libdir: `${usr}/lib`,
    pkglibdir: `${usr}/lib/postgresql/${major}/lib`,
    sharedir: `${usr}/share/postgresql/${major}`,
    includedir: `${usr}/include/postgresql`,
    pkgincludedir: `${usr}/include/postgresql`,
    "includedir-server": `${usr}/include/postgresql/${major}/server`,
    mandir: `${usr}/share/man`,
    docdir: `${usr}/share/doc`,
    localedir: `${usr}/share/locale`,
    sysconfdir: `${finalRoot}/etc`,
    pgxs: `${usr}/lib/postgresql/${major}/lib/pgxs/src/makefiles/pgxs.mk`,
  };
  const cases = Object.entries(places).map(([option, path]) => `  --${option}) echo '${path}' ;;`);
  const lines = ["#!/bin/sh", 'case "$1" in', ...cases, "  *) echo ; exit 1 ;;", "esac", ""];
  writeFileSync(join(root, "pg_config"), lines.join("\n"));
  chmodSync(join(root, "pg_config"), 0o755);
}
