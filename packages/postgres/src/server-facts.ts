import type { Lsn } from "./lsn.ts";

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

/** The answer to IDENTIFY_SYSTEM. */
export interface SystemIdentity {
  readonly systemIdentifier: bigint;
  readonly timeline: number;
  /** Flushed so far; on a standby the larger of received and replayed. */
  readonly flushLsn: Lsn;
}
