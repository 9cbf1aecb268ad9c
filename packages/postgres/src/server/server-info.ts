import { AppError, type Clock } from "@tidemark/kit";
import { supportedMajors } from "../session/capabilities.ts";
import type { Asker } from "./asker.ts";
import { type AskingRole, readAskingRole } from "./asking-role.ts";
import { instantOf, msOf } from "./column-values.ts";

/** What a server says of itself. A null is a fact this role may not read, or this major does not have. */
export interface ServerInfo {
  /** server_version_num, as 180004. */
  readonly versionNum: number;
  /** 13 … 18 for supported servers. */
  readonly major: number;
  /** server_version, as `18.4 (Debian 18.4-1)`. */
  readonly versionText: string;
  /** True on a standby. */
  readonly inRecovery: boolean;
  /** Null when EXECUTE on pg_control_system() was revoked. */
  readonly systemIdentifier: bigint | null;
  /** The role that asked. */
  readonly role: string;
  readonly isSuperuser: boolean;
  /** The REPLICATION attribute of the role that logged in. */
  readonly hasReplication: boolean;
  readonly dataChecksums: boolean;
  readonly walLevel: string;
  readonly walSegmentSizeBytes: number;
  /** A page of a relation. */
  readonly blockSizeBytes: number;
  /** A page of the WAL. */
  readonly walBlockSizeBytes: number;
  /** The size at which a relation's file is followed by the next one. */
  readonly relationSegmentSizeBytes: number;
  /** Null before 17, which brought it. */
  readonly summarizeWal: boolean | null;
  readonly trackCommitTimestamp: boolean;
  /** OpenSSL's FIPS mode, which only pgcrypto's fips_mode() (18+) tells; null where it cannot be asked. */
  readonly fips: boolean | null;
  /** Null without pg_read_all_settings. */
  readonly dataDirectory: string | null;
  /** Permission bits of the data directory, 0o700 or 0o750. */
  readonly dataDirectoryMode: number;
  /** 0: never by time. */
  readonly archiveTimeoutSeconds: number;
  readonly checkpointTimeoutSeconds: number;
  /**
   * log_timezone: the one clock of the whole server, which its log and backup_label are written in. (TimeZone is a session's:
   * each role, database and client may have another.) As it is written there, also `Etc/UTC` or `<+03>-03`.
   */
  readonly timeZone: string;
  readonly startedAt: Date;
  readonly configurationLoadedAt: Date;
  /** The server's clock less ours, halfway through the question. */
  readonly clockDifferenceMs: number;
  /** Half of the question's round trip: `clockDifferenceMs` is right within it. */
  readonly clockUncertaintyMs: number;
  readonly maxWalSenders: number;
  readonly usedWalSenders: number;
  readonly maxReplicationSlots: number;
  readonly usedReplicationSlots: number;
}

export interface ServerValidity {
  readonly valid: boolean;
  /** One sentence each; empty when valid. */
  readonly reasons: readonly string[];
}

/**
 * What the server says of itself, with two statements (one more where pgcrypto can tell of FIPS).
 *
 * Needs: any login. pg_read_all_settings for `dataDirectory`.
 */
export async function readServerInfo(
  asker: Asker,
  options: { readonly clock: Clock; readonly role?: AskingRole | undefined },
): Promise<ServerInfo> {
  const role = options.role ?? (await readAskingRole(asker));
  const { clock } = options;
  const askedMs = clock.now().getTime();
  const from = clock.monotonicMs();
  const [row] = await asker.query<InfoRow>(infoQuestion(role));
  if (row === undefined) throw new AppError("protocol-violation", { message: "the server said nothing of itself" });
  const halfTripMs = Math.max(0, clock.monotonicMs() - from) / 2;
  return {
    versionNum: role.versionNum,
    major: role.major,
    versionText: row.version,
    inRecovery: row.in_recovery,
    systemIdentifier: row.system_identifier === null ? null : BigInt(row.system_identifier),
    role: role.name,
    isSuperuser: role.isSuperuser,
    hasReplication: role.hasReplication,
    dataChecksums: row.data_checksums === "on",
    walLevel: row.wal_level,
    walSegmentSizeBytes: Number(row.wal_segment_size),
    blockSizeBytes: row.block_size,
    walBlockSizeBytes: row.wal_block_size,
    relationSegmentSizeBytes: Number(row.segment_size),
    summarizeWal: row.summarize_wal === null ? null : row.summarize_wal === "on",
    trackCommitTimestamp: row.track_commit_timestamp === "on",
    fips: row.fips_function === null ? null : await readFips(asker, row.fips_function),
    dataDirectory: row.data_directory,
    dataDirectoryMode: Number.parseInt(row.data_directory_mode, 8),
    archiveTimeoutSeconds: row.archive_timeout,
    checkpointTimeoutSeconds: row.checkpoint_timeout,
    timeZone: row.time_zone,
    startedAt: requiredInstant(row.started_ms),
    configurationLoadedAt: requiredInstant(row.loaded_ms),
    clockDifferenceMs: Math.round(row.clock_ms - (askedMs + halfTripMs)),
    // Our clock tells whole milliseconds.
    clockUncertaintyMs: halfTripMs + 1,
    maxWalSenders: row.max_wal_senders,
    usedWalSenders: row.used_wal_senders,
    maxReplicationSlots: row.max_slots,
    usedReplicationSlots: row.used_slots,
  };
}

/** Whether backups of this server can be taken at all, with every reason when not. Reads nothing. */
export function serverValidity(
  info: Pick<
    ServerInfo,
    | "major"
    | "versionText"
    | "walLevel"
    | "walSegmentSizeBytes"
    | "blockSizeBytes"
    | "walBlockSizeBytes"
    | "relationSegmentSizeBytes"
  >,
): ServerValidity {
  const reasons: string[] = [];
  if (!supportedMajors.includes(info.major)) {
    const [first, last] = [supportedMajors[0], supportedMajors.at(-1)];
    reasons.push(`PostgreSQL ${info.versionText} is not supported: ${first} to ${last} are`);
  }
  if (info.walLevel !== "replica" && info.walLevel !== "logical") {
    reasons.push(`wal_level is ${info.walLevel}; a backup needs replica or logical`);
  }
  for (const [name, size, smallest, largest] of sizesOf(info)) {
    const isPowerOfTwo = Number.isSafeInteger(size) && size > 0 && 2 ** Math.round(Math.log2(size)) === size;
    if (!isPowerOfTwo || size < smallest || size > largest) reasons.push(`a ${name} of ${size} bytes is not known`);
  }
  return { valid: reasons.length === 0, reasons };
}

/**
 * What configure and initdb allow (configure.ac, --with-blocksize, --with-wal-blocksize, --with-segsize;
 * xlog_internal.h, IsValidWalSegSize).
 */
function sizesOf(
  info: Parameters<typeof serverValidity>[0],
): readonly (readonly [string, number, smallest: number, largest: number])[] {
  return [
    ["WAL segment size", info.walSegmentSizeBytes, 1 << 20, 1 << 30],
    ["block size", info.blockSizeBytes, 1 << 10, 1 << 15],
    ["WAL block size", info.walBlockSizeBytes, 1 << 10, 1 << 16],
    ["relation segment size", info.relationSegmentSizeBytes, info.blockSizeBytes, 2 ** 46],
  ];
}

interface InfoRow {
  readonly version: string;
  readonly in_recovery: boolean;
  readonly system_identifier: string | null;
  readonly data_checksums: string;
  readonly wal_level: string;
  readonly wal_segment_size: string;
  readonly block_size: number;
  readonly wal_block_size: number;
  readonly segment_size: string;
  readonly summarize_wal: string | null;
  readonly track_commit_timestamp: string;
  readonly fips_function: string | null;
  readonly data_directory: string | null;
  readonly data_directory_mode: string;
  readonly archive_timeout: number;
  readonly checkpoint_timeout: number;
  readonly time_zone: string;
  readonly started_ms: number;
  readonly loaded_ms: number;
  readonly clock_ms: number;
  readonly max_wal_senders: number;
  readonly used_wal_senders: number;
  readonly max_slots: number;
  readonly used_slots: number;
}

/** current_setting() prints times with a unit (`5min`), pg_settings without: both are there in seconds. */
function infoQuestion(role: AskingRole): string {
  const system = role.readsControl ? "(SELECT system_identifier::text FROM pg_catalog.pg_control_system())" : "NULL";
  const rawSetting = (name: string): string => `(SELECT setting FROM pg_catalog.pg_settings WHERE name = '${name}')`;
  return `
  SELECT pg_catalog.current_setting('server_version') AS version,
         pg_catalog.pg_is_in_recovery() AS in_recovery,
         ${system} AS system_identifier,
         pg_catalog.current_setting('data_checksums') AS data_checksums,
         pg_catalog.current_setting('wal_level') AS wal_level,
         pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))::text AS wal_segment_size,
         pg_catalog.current_setting('block_size')::int4 AS block_size,
         pg_catalog.current_setting('wal_block_size')::int4 AS wal_block_size,
         pg_catalog.pg_size_bytes(pg_catalog.current_setting('segment_size'))::text AS segment_size,
         pg_catalog.current_setting('summarize_wal', true) AS summarize_wal,
         pg_catalog.current_setting('track_commit_timestamp') AS track_commit_timestamp,
         ${fipsFunction} AS fips_function,
         ${rawSetting("data_directory")} AS data_directory,
         pg_catalog.current_setting('data_directory_mode') AS data_directory_mode,
         ${rawSetting("archive_timeout")}::int4 AS archive_timeout,
         ${rawSetting("checkpoint_timeout")}::int4 AS checkpoint_timeout,
         pg_catalog.current_setting('log_timezone') AS time_zone,
         ${msOf("pg_catalog.pg_postmaster_start_time()")} AS started_ms,
         ${msOf("pg_catalog.pg_conf_load_time()")} AS loaded_ms,
         ${msOf("pg_catalog.clock_timestamp()")} AS clock_ms,
         pg_catalog.current_setting('max_wal_senders')::int4 AS max_wal_senders,
         (SELECT pg_catalog.count(*)::int4 FROM pg_catalog.pg_stat_replication) AS used_wal_senders,
         pg_catalog.current_setting('max_replication_slots')::int4 AS max_slots,
         (SELECT pg_catalog.count(*)::int4 FROM pg_catalog.pg_replication_slots) AS used_slots`;
}

/**
 * fips_mode() of pgcrypto 1.4 (PostgreSQL 18), by the schema it was created in and only when it is the extension's own
 * and this role may call it; null otherwise.
 */
const fipsFunction = `(
    SELECT pg_catalog.format('%I.fips_mode()', n.nspname)
      FROM pg_catalog.pg_extension e
      JOIN pg_catalog.pg_depend d
        ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid
       AND d.classid = 'pg_catalog.pg_proc'::regclass AND d.deptype = 'e'
      JOIN pg_catalog.pg_proc p ON p.oid = d.objid AND p.proname = 'fips_mode' AND p.pronargs = 0
      JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
     WHERE e.extname = 'pgcrypto'
       AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
       AND pg_catalog.has_schema_privilege(n.oid, 'USAGE'))`;

async function readFips(asker: Asker, call: string): Promise<boolean | null> {
  try {
    const [row] = await asker.query<{ readonly fips: boolean }>(`SELECT ${call} AS fips`);
    return row?.fips ?? null;
  } catch (error) {
    // The extension's library may be missing on this machine (58P01), which is no reason to know nothing of the server.
    if (error instanceof AppError && error.code === "server-error") return null;
    throw error;
  }
}

function requiredInstant(ms: number): Date {
  const instant = instantOf(ms);
  if (instant === null) throw new AppError("protocol-violation", { message: "the server gave no time it started at" });
  return instant;
}
