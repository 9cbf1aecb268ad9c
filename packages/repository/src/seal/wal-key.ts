import { hkdfSync } from "node:crypto";

/**
 * What encrypted WAL of version 3 is sealed with instead of the data key: of each data key and each server's area another
 * one, so that a database host can be given what seals and opens its own WAL and nothing else. 32 bytes.
 */
export function deriveWalKey(repositoryId: string, serverId: string, dataKey: Uint8Array): Uint8Array {
  const purpose = Buffer.from(`tidemark wal key\0${repositoryId}\0${serverId}`, "latin1");
  return new Uint8Array(hkdfSync("sha256", dataKey, new Uint8Array(0), purpose, 32));
}

/** The server in whose WAL an object of this name lies; null: it is no WAL. */
export function walServerOf(name: string): string | null {
  return /^([^/]+)\/\d{1,20}\/wal\//.exec(name)?.[1] ?? null;
}
