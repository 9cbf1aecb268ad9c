import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import * as room from "./index.ts";

const document = readFileSync(join(import.meta.dirname, "../../../docs/parity.md"), "utf8");

/** Rows of the tables: what the seed calls it, and what we do. */
const rows = document
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| theirs"))
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, theirs = "", ours = "", tested = "", note = ""]) => ({ theirs, ours, tested, note }));

it("names only what this room exports", () => {
  const named = rows
    .filter(({ ours }) => !/ of the API| and `tidemark`/.test(ours))
    .flatMap(({ ours }) => [...ours.matchAll(/`(\w+)`/g)].map((match) => match[1] ?? ""));
  expect(named.length).toBeGreaterThan(60);
  expect(named.filter((name) => !(name in room))).toEqual([]);
});

it("says why where there is nothing of ours", () => {
  expect(rows.filter(({ ours, note }) => ours === "–" && note.length < 15)).toEqual([]);
});

it("has a row for every member of both interfaces", () => {
  const theirs = rows.map((row) => row.theirs).join("\n");
  expect([...pgmoneta, ...barman].filter((name) => !theirs.includes(`\`${name}\``))).toEqual([]);
});

/** The functions of pgmoneta's server.h, by its developer manual. */
const pgmoneta = [
  ...["info", "valid", "is_online", "set_online", "verify_connection", "read_binary_file"],
  ...["checkpoint", "file_stat", "backup_start", "backup_stop"],
].map((name) => `pgmoneta_server_${name}`);

/** The members of barman.postgres, by its documentation; with their class where the name alone is not unique. */
const barman = [
  ...["CHECK_QUERY", "MINIMAL_VERSION", "PostgreSQL.__init__", "_check_connection", "_cursor", "close", "connect"],
  ...["encode_dsn", "get_connection_string", "int_version_to_string_version", "is_minimal_postgres_version"],
  ...["minimal_txt_version", "parse_dsn", "server_major_version", "server_txt_version", "server_version"],
  ...["ANY_STREAMING_CLIENT", "HEARTBEAT_QUERY", "STANDBY", "WALSTREAMER", "PostgreSQLConnection.__init__"],
  ...["archive_timeout", "checkpoint", "checkpoint_timeout", "PostgreSQLConnection.connect", "create_restore_point"],
  ...["current_size", "current_xlog_file_name", "current_xlog_info", "current_xlog_location"],
  ...["PostgreSQLConnection.fetch_remote_status", "get_archiver_stats", "get_configuration_files"],
  ...["get_replication_slot", "get_replication_stats", "get_setting", "get_synchronous_standby_names", "get_systemid"],
  ...["get_tablespaces", "has_backup_privileges", "has_checkpoint_privileges", "has_connection"],
  ...["has_monitoring_privileges", "is_in_recovery", "is_superuser", "name_map", "send_heartbeat_query"],
  ...["PostgreSQLConnection.server_txt_version", "start_concurrent_backup", "start_exclusive_backup"],
  ...["stop_concurrent_backup", "stop_exclusive_backup", "switch_wal", "xlog_segment_size"],
  ...["PostgresKeepAlive", "THREAD_NAME", "PostgresKeepAlive.__init__", "_prepare_signal_handler"],
  ...["_raise_exception_on_main", "_run_keep_alive", "StandbyPostgreSQLConnection"],
  ...["StandbyPostgreSQLConnection.__init__", "_start_wal_switch", "_stop_backup", "_stop_wal_switch"],
  ...["StandbyPostgreSQLConnection.close", "StandbyPostgreSQLConnection.stop_concurrent_backup"],
  ...["StandbyPostgreSQLConnection.stop_exclusive_backup", "StandbyPostgreSQLConnection.switch_wal"],
  ...["switch_wal_in_background", "StreamingConnection", "StreamingConnection.CHECK_QUERY"],
  ...["StreamingConnection.__init__", "StreamingConnection.connect", "create_physical_repslot", "drop_repslot"],
  ...["StreamingConnection.fetch_remote_status", "_atexit", "_live_connections"],
];
