import { AppError } from "@tidemark/kit";
import { leaseKey, leasesPrefix, nameOf } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { getFacts, putFacts } from "../seal/facts-object.ts";

/**
 * What a lease says. `backup`: a writer, its name is the backup's id. `renewal`: that writer is still there. `reader`: a
 * restore or verification. `copy`: packs are brought here from another repository.
 */
export type LeaseKind = "backup" | "renewal" | "reader" | "copy";

/** Says that somebody writes or reads here, for a collection that asks no database. Never changed: renewed by a new one. */
export interface Lease {
  readonly leaseId: string;
  readonly kind: LeaseKind;
  /** By the clock of its maker. */
  readonly madeAt: Date;
  /** Null: until it is removed, or found dead. */
  readonly expiresAt: Date | null;
  /** The backup whose writer a `renewal` speaks for; else null. */
  readonly backupId: string | null;
}

/** A lease that was found, with the time at which the store took it. */
export interface FoundLease extends Lease {
  readonly storedAt: Date;
}

export async function putLease(context: RepositoryContext, serverId: string, lease: Lease): Promise<void> {
  const { kind, madeAt, expiresAt, backupId } = lease;
  const facts = { kind, madeAt, expiresAt, ...(backupId === null ? {} : { backupId }) };
  await putFacts(context, leaseKey(serverId, lease.leaseId), facts);
}

/** A damaged lease is taken for one of a backup made when the object was written: cautious, and it does not stay for ever. */
export async function listLeases(context: RepositoryContext, serverId: string): Promise<readonly FoundLease[]> {
  const leases: FoundLease[] = [];
  for await (const { key, modifiedAt } of context.store.list(leasesPrefix(serverId))) {
    const lease = await readLease(context, key, modifiedAt);
    if (lease !== null) leases.push({ ...lease, storedAt: modifiedAt });
  }
  return leases;
}

async function readLease(context: RepositoryContext, key: string, modifiedAt: Date): Promise<Lease | null> {
  const leaseId = nameOf(key);
  try {
    return await getFacts<Lease>(context, key, (fields) => ({
      leaseId,
      kind: kindOf(fields.text("kind")),
      madeAt: fields.date("madeAt"),
      expiresAt: fields.isNull("expiresAt") ? null : fields.date("expiresAt"),
      backupId: fields.isNull("backupId") ? null : fields.text("backupId"),
    }));
  } catch (error) {
    if (!(error instanceof AppError && error.code === "object-damaged")) throw error;
    return { leaseId, kind: "backup", madeAt: modifiedAt, expiresAt: null, backupId: null };
  }
}

/** A kind that is not known yet is taken for a writer's: nothing is removed while it may be at work. */
function kindOf(text: string): LeaseKind {
  return text === "reader" || text === "renewal" || text === "copy" ? text : "backup";
}

/** A writer as its leases show it. */
export interface WriterSigns {
  readonly backupId: string;
  /** When the store last took a sign of life. */
  readonly lastSignAt: Date;
}

/** What the leases say together. Ages are those of the objects in the store: hosts may disagree about the time, it does not. */
export interface LeaseCensus {
  readonly writers: readonly WriterSigns[];
  /** Leases of readers and copies that are in force. */
  readonly inForce: readonly FoundLease[];
  /** Leases of readers and copies past their time. */
  readonly expired: readonly FoundLease[];
}

export function takeCensus(leases: readonly FoundLease[], now: Date): LeaseCensus {
  const lastSigns = new Map<string, Date>();
  const inForce: FoundLease[] = [];
  const expired: FoundLease[] = [];
  for (const lease of leases) {
    const writer = lease.kind === "backup" ? lease.leaseId : lease.kind === "renewal" ? lease.backupId : null;
    if (writer === null) {
      (isInForce(lease, now) ? inForce : expired).push(lease);
      continue;
    }
    const known = lastSigns.get(writer);
    if (known === undefined || known < lease.storedAt) lastSigns.set(writer, lease.storedAt);
  }
  return { writers: [...lastSigns].map(([backupId, lastSignAt]) => ({ backupId, lastSignAt })), inForce, expired };
}

/** How long it was made for counts from when the store took it, so that the maker's clock does not matter. */
function isInForce({ madeAt, expiresAt, storedAt, kind }: FoundLease, now: Date): boolean {
  if (kind === "renewal") return false;
  if (expiresAt === null) return true;
  return storedAt.getTime() + (expiresAt.getTime() - madeAt.getTime()) > now.getTime();
}
