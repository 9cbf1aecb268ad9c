import { AppError } from "@tidemark/kit";

/** Where everything lives in a repository (docs/repository-format.md, "Places"). */

export const documentKey = "tidemark.json";
export const keysPrefix = "keys/";

const idPattern = /^[a-z0-9][a-z0-9_-]{0,31}$/;

/** Ids become parts of keys and fixed fields of 32 bytes: lower case letters, digits, `_` and `-`, at most 32. */
export function assertId(id: string, what: string): void {
  if (idPattern.test(id)) return;
  throw new AppError("bad-request", { message: `${JSON.stringify(id)} is not a ${what}`, context: { id } });
}

export const keySlotKey = (slot: string): string => `${keysPrefix}${slot}`;
export const packsPrefix = (serverId: string): string => `${serverId}/packs/`;
export const packKey = (serverId: string, packId: string): string => `${packsPrefix(serverId)}${packId}`;
export const backupsPrefix = (serverId: string): string => `${serverId}/backups/`;
export const manifestKey = (serverId: string, backupId: string): string => `${backupsPrefix(serverId)}${backupId}`;
/** Facts beside `about`: a backup id, or `collection` (passes of the garbage collection). */
export const marksPrefix = (serverId: string, about: string): string => `${serverId}/marks/${about}/`;
/** Of backups whose manifest is being healed: the note that they were not deleted. */
export const healingPrefix = (serverId: string): string => marksPrefix(serverId, "healing");
export const healingKey = (serverId: string, backupId: string): string => `${healingPrefix(serverId)}${backupId}`;
/** Every mark of a server, whatever it is about. */
export const allMarksPrefix = (serverId: string): string => `${serverId}/marks/`;
export const leasesPrefix = (serverId: string): string => `${serverId}/leases/`;
export const leaseKey = (serverId: string, leaseId: string): string => `${leasesPrefix(serverId)}${leaseId}`;

/** The WAL of one cluster incarnation: a folder for each timeline. */
export const walsPrefix = (serverId: string, systemIdentifier: bigint): string =>
  `${serverId}/${systemIdentifier}/wal/`;

/** The WAL of one timeline: segments, histories and files under their names, and `partial/<segment>/`. */
export function walPrefix(serverId: string, systemIdentifier: bigint, timeline: number): string {
  const name = timeline.toString(16).toUpperCase().padStart(8, "0");
  return `${walsPrefix(serverId, systemIdentifier)}${name}/`;
}

/** The last part of a key. */
export function nameOf(key: string): string {
  return key.slice(key.lastIndexOf("/") + 1);
}
