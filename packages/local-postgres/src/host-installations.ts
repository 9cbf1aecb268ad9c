import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Major } from "./installation.ts";

/** Folders of this machine that may hold the programs of a major: where packagers put them, then PATH. */
export function hostBinDirs(major: Major): readonly string[] {
  const places = [
    `/usr/lib/postgresql/${major}/bin`, // Debian, Ubuntu
    `/usr/pgsql-${major}/bin`, // PGDG on RHEL and its kin
    `/usr/libexec/postgresql${major}`, // Alpine
    `/usr/lib/postgresql${major}/bin`, // SUSE
    `/opt/homebrew/opt/postgresql@${major}/bin`,
    `/usr/local/opt/postgresql@${major}/bin`,
    `/Applications/Postgres.app/Contents/Versions/${major}/bin`,
    "/usr/local/pgsql/bin", // built from source
    ...(process.env.PATH ?? "").split(delimiter),
  ];
  return [...new Set(places)].filter((place) => place !== "" && existsSync(join(place, "")));
}
