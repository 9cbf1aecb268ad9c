import { mkdirSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { database } from "../cluster.ts";
import type { Command } from "../measure.ts";
import { findProgram } from "../settings.ts";
import type { Row, RowContext, RowPlaces } from "./row.ts";

const server = "bench";

/**
 * Barman with its streaming method (pg_basebackup below), which is what it advises for servers that are reached over the
 * network; where and how that compresses is left to its defaults. Only fulls: its restores and checks of compressed backups are
 * those of the tar files pg_basebackup wrote.
 */
export function barman({ settings, cluster }: RowContext, name: string, compression: string): Row {
  const program = findProgram("barman");
  const call = ({ state }: RowPlaces, ...args: readonly string[]): Command => ({
    argv: [program ?? "barman", "-q", "-c", join(state, "barman.conf"), ...args],
  });
  const configuration = ({ state, repository }: RowPlaces): string => {
    const connection = `host=${cluster.socketDir} port=${cluster.port} user=${database} dbname=${database}`;
    return `[barman]
barman_home=${repository}
barman_lock_directory=${state}
configuration_files_directory=${join(state, "servers")}
log_file=${join(state, "barman.log")}
barman_user=${userInfo().username}
[${server}]
description=${server}
conninfo=${connection}
streaming_conninfo=${connection}
backup_method=postgres
path_prefix=${settings.pgBin}
immediate_checkpoint=true
parallel_jobs=${settings.threads}
minimum_redundancy=0
archiver=on
backup_compression=${compression}
`;
  };
  return {
    name,
    unavailable: program === null ? "barman is not installed" : null,
    prepare: (places) => {
      const incoming = join(places.repository, server, "incoming");
      for (const folder of [incoming, join(places.state, "servers")]) mkdirSync(folder, { recursive: true });
      writeFileSync(join(places.state, "barman.conf"), configuration(places));
      // It takes no backup before it was given a WAL segment: a finished one of the server's own.
      const newest = `set -eu; s=$(ls "$1/pg_wal" | grep -E '^[0-9A-F]{24}$' | sort | head -1); cp "$1/pg_wal/$s" "$2/"`;
      return [
        { argv: ["bash", "-c", newest, "bench", cluster.dataDir, incoming] },
        call(places, "archive-wal", server),
      ];
    },
    step: (step, places) => (step === "full" ? call(places, "backup", server) : null),
  };
}
