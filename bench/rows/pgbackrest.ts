import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "../measure.ts";
import { findProgram } from "../settings.ts";
import type { Row, RowContext, RowPlaces, Step } from "./row.ts";

/** pgBackRest with bundling and block incrementals; it reads the data directory itself. */
export function pgBackRest(
  { settings, cluster }: RowContext,
  name: string,
  compression: { readonly type: string; readonly level: number | null },
): Row {
  const program = findProgram("pgbackrest");
  const call = ({ state, repository }: RowPlaces, command: string, ...more: readonly string[]): Command => {
    mkdirSync(join(state, "lock"), { recursive: true });
    return {
      argv: [
        program ?? "pgbackrest",
        "--config=/dev/null",
        "--stanza=b",
        `--repo1-path=${repository}`,
        // A verification takes no lock and refuses to be told of one.
        ...(command === "verify" ? [] : [`--lock-path=${join(state, "lock")}`]),
        "--log-level-console=warn",
        "--log-level-file=off",
        ...more,
        command,
      ],
    };
  };
  const server = [
    `--pg1-path=${cluster.dataDir}`,
    `--pg1-socket-path=${cluster.socketDir}`,
    `--pg1-port=${cluster.port}`,
    "--pg1-user=bench",
    "--pg1-database=bench",
  ];
  const backup = [
    `--process-max=${settings.threads}`,
    `--compress-type=${compression.type}`,
    ...(compression.level === null ? [] : [`--compress-level=${compression.level}`]),
    "--start-fast",
    "--no-archive-check",
    "--no-expire-auto",
    "--repo1-retention-full=99",
    "--repo1-bundle",
    "--repo1-block",
    // Block incrementals are a beta feature of 2.45 and 2.46.
    ...(program !== null && isBeta(program) ? ["--beta"] : []),
  ];
  const steps = (step: Step, places: RowPlaces): Command | null => {
    const restore = [
      `--pg1-path=${places.restoreTo}`,
      "--type=none",
      `--process-max=${settings.threads}`,
      `--spool-path=${places.state}`,
    ];
    switch (step) {
      case "full":
        return call(places, "backup", ...server, "--type=full", ...backup);
      case "incr":
        return call(places, "backup", ...server, "--type=diff", ...backup);
      case "verify":
        return call(places, "verify", `--process-max=${settings.threads}`);
      case "restore-full":
      case "restore-incr":
        mkdirSync(places.restoreTo, { recursive: true, mode: 0o700 });
        return call(places, "restore", ...restore);
      default:
        return null;
    }
  };
  return {
    name,
    unavailable: program === null ? "pgbackrest is not installed" : null,
    prepare: (places) => [call(places, "stanza-create", ...server, "--no-online")],
    step: steps,
  };
}

function isBeta(program: string): boolean {
  return /\b2\.4[56]\b/.test(execFileSync(program, ["version"], { encoding: "utf8" }));
}
