import { AppError } from "@tidemark/kit";

export interface TablespaceFacts {
  readonly oid: number;
  readonly name: string;
  readonly path: string;
}

/** What a server says of itself over SQL. A null is a fact this role may not read. */
export interface ServerFacts {
  /** server_version_num, as 180004. */
  readonly versionNum: number;
  /** 13 … 18 for supported servers. */
  readonly major: number;
  /** server_version, as `18.4 (Debian 18.4-1)`. */
  readonly versionText: string;
  readonly inRecovery: boolean;
  readonly systemIdentifier: bigint | null;
  readonly isSuperuser: boolean;
  readonly hasReplication: boolean;
  readonly dataChecksums: boolean;
  readonly walLevel: string;
  readonly maxWalSenders: number;
  readonly usedWalSenders: number;
  readonly maxReplicationSlots: number;
  readonly usedReplicationSlots: number;
  readonly walSegmentSizeBytes: number;
  readonly blockSizeBytes: number;
  /** Permission bits of the data directory, 0o700 or 0o750. */
  readonly dataDirectoryMode: number;
  readonly tablespaces: readonly TablespaceFacts[];
}

export type { SystemIdentity } from "../server/identity.ts";

/** Whoever can put a question to the server. */
interface Asker {
  query<Row extends object>(text: string): Promise<Row[]>;
}

/** Asks for everything with one statement, and for the two things a plain role may not know apart. */
export async function readServerFacts(asker: Asker): Promise<ServerFacts> {
  const [row] = await asker.query<FactsRow>(factsQuestion);
  if (row === undefined) throw new AppError("protocol-violation", { message: "the server said nothing of itself" });
  const [system] = await permitted(asker.query<{ id: string }>(systemQuestion));
  return {
    versionNum: row.version_num,
    major: Math.floor(row.version_num / 10_000),
    versionText: row.version,
    inRecovery: row.in_recovery,
    systemIdentifier: system === undefined ? null : BigInt(system.id),
    isSuperuser: row.is_superuser,
    hasReplication: row.has_replication,
    dataChecksums: row.data_checksums === "on",
    walLevel: row.wal_level,
    maxWalSenders: row.max_wal_senders,
    usedWalSenders: row.used_wal_senders,
    maxReplicationSlots: row.max_slots,
    usedReplicationSlots: row.used_slots,
    walSegmentSizeBytes: Number(row.wal_segment_size),
    blockSizeBytes: row.block_size,
    dataDirectoryMode: Number.parseInt(row.data_directory_mode, 8),
    tablespaces: await asker.query<TablespaceFacts>(tablespacesQuestion),
  };
}

/** Null when the role may connect to neither all databases nor read all statistics. */
export async function readDatabasesSize(asker: Asker): Promise<bigint | null> {
  const [row] = await permitted(asker.query<{ size: string }>(sizeQuestion));
  return row === undefined ? null : BigInt(row.size);
}

interface FactsRow {
  readonly version_num: number;
  readonly version: string;
  readonly in_recovery: boolean;
  readonly is_superuser: boolean;
  readonly has_replication: boolean;
  readonly data_checksums: string;
  readonly wal_level: string;
  readonly max_wal_senders: number;
  readonly used_wal_senders: number;
  readonly max_slots: number;
  readonly used_slots: number;
  readonly wal_segment_size: string;
  readonly block_size: number;
  readonly data_directory_mode: string;
}

const factsQuestion = `
  SELECT pg_catalog.current_setting('server_version_num')::int4 AS version_num,
         pg_catalog.current_setting('server_version') AS version,
         pg_catalog.pg_is_in_recovery() AS in_recovery,
         r.rolsuper AS is_superuser,
         r.rolreplication AS has_replication,
         pg_catalog.current_setting('data_checksums') AS data_checksums,
         pg_catalog.current_setting('wal_level') AS wal_level,
         pg_catalog.current_setting('max_wal_senders')::int4 AS max_wal_senders,
         (SELECT pg_catalog.count(*)::int4 FROM pg_catalog.pg_stat_replication) AS used_wal_senders,
         pg_catalog.current_setting('max_replication_slots')::int4 AS max_slots,
         (SELECT pg_catalog.count(*)::int4 FROM pg_catalog.pg_replication_slots) AS used_slots,
         pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))::text AS wal_segment_size,
         pg_catalog.current_setting('block_size')::int4 AS block_size,
         pg_catalog.current_setting('data_directory_mode') AS data_directory_mode
    FROM pg_catalog.pg_roles r
   WHERE r.rolname = current_user`;

const systemQuestion = `SELECT system_identifier::text AS id FROM pg_catalog.pg_control_system()`;

const tablespacesQuestion = `
  SELECT oid::int8::float8 AS oid, spcname AS name, pg_catalog.pg_tablespace_location(oid) AS path
    FROM pg_catalog.pg_tablespace
   WHERE spcname NOT IN ('pg_default', 'pg_global')
   ORDER BY oid`;

const sizeQuestion = `SELECT pg_catalog.sum(pg_catalog.pg_database_size(oid))::text AS size FROM pg_catalog.pg_database`;

/** No rows when the role lacks the privilege. */
async function permitted<Row>(rows: Promise<Row[]>): Promise<Row[]> {
  try {
    return await rows;
  } catch (error) {
    if (error instanceof AppError && error.code === "privilege-missing") return [];
    throw error;
  }
}
