import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "../measure.ts";
import { findProgram } from "../settings.ts";
import type { Row, RowContext, RowPlaces, Step } from "./row.ts";

/** pg_basebackup into tar files; `method` as its `-Z` takes it, `none` for plain tars. */
export function pgBasebackup({ settings, cluster }: RowContext, name: string, method: string): Row {
  const program = join(settings.pgBin, "pg_basebackup");
  const combine = join(settings.pgBin, "pg_combinebackup");
  const connection = ["-h", cluster.socketDir, "-p", `${cluster.port}`, "-U", "bench"];
  const backup = (to: string, more: readonly string[] = []): Command => ({
    argv: [
      program,
      ...connection,
      "-c",
      "fast",
      "-X",
      "stream",
      "-Ft",
      ...(method === "none" ? [] : ["-Z", method]),
      ...more,
      "-D",
      to,
    ],
  });
  const steps = (step: Step, { repository, restoreTo, state }: RowPlaces): Command | null => {
    const full = join(repository, "full");
    const increment = join(repository, "incr");
    switch (step) {
      case "full":
        return backup(full);
      case "incr":
        return existsSync(combine) ? backup(increment, ["-i", join(full, "backup_manifest")]) : null;
      case "restore-full":
        return shell(`mkdir -p "$2" && ${unpack} && cp "$1/backup_manifest" "$2/"`, full, restoreTo);
      case "restore-incr": {
        if (!existsSync(combine)) return null;
        const both = `rm -rf "$3"; mkdir -p "$3"; (set -- "$1" "$3/f"; mkdir -p "$2"; ${unpack}; cp "$1/backup_manifest" "$2/"); (set -- "$4" "$3/i"; mkdir -p "$2"; ${unpack}; cp "$1/backup_manifest" "$2/"); "$5" -o "$2" "$3/f" "$3/i"; rm -rf "$3"`;
        return shell(both, full, restoreTo, join(state, "unpacked"), increment, combine);
      }
      case "verify-whole":
        return method === "none" ? null : shell('zstd -tq "$1/base.tar.zst"', full);
      default:
        return null;
    }
  };
  const missing = [
    existsSync(program) ? null : program,
    method === "none" || findProgram("zstd") !== null ? null : "zstd",
  ];
  const absent = missing.find((one) => one !== null);
  return {
    name,
    unavailable: absent === undefined ? null : `${absent} is not installed`,
    prepare: ({ repository }) => [{ argv: ["mkdir", "-p", repository] }],
    step: steps,
  };
}

/** `$1` holds the tars, `$2` the new data directory. */
const unpack = `for f in "$1"/base.tar*; do case "$f" in *.zst) zstd -dcq "$f";; *) cat "$f";; esac | tar -x -C "$2"; done && mkdir -p "$2/pg_wal" && for f in "$1"/pg_wal.tar*; do case "$f" in *.gz) gzip -dc "$f";; *) cat "$f";; esac | tar -x -C "$2/pg_wal"; done`;

function shell(script: string, ...args: readonly string[]): Command {
  return { argv: ["bash", "-euo", "pipefail", "-c", script, "bench", ...args] };
}
