import { AppError } from "@tidemark/kit";
import { leaseKey, leasesPrefix, nameOf } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { getFacts, putFacts } from "../seal/facts-object.ts";

/** Says that somebody writes or reads here, for a collection that asks no database. */
export interface Lease {
  readonly leaseId: string;
  /** `backup`: its id is the backup's. `reader`: a restore or fetch on another host; renewed by a new lease. */
  readonly kind: "backup" | "reader";
  readonly madeAt: Date;
  /** Null: until it is removed, or found dead. */
  readonly expiresAt: Date | null;
}

export async function putLease(context: RepositoryContext, serverId: string, lease: Lease): Promise<void> {
  const { kind, madeAt, expiresAt } = lease;
  await putFacts(context, leaseKey(serverId, lease.leaseId), { kind, madeAt, expiresAt });
}

/** A damaged lease is taken for one of a backup made when the object was written: cautious, and it does not stay for ever. */
export async function listLeases(context: RepositoryContext, serverId: string): Promise<readonly Lease[]> {
  const leases: Lease[] = [];
  for await (const { key, modifiedAt } of context.store.list(leasesPrefix(serverId))) {
    const lease = await readLease(context, key, modifiedAt);
    if (lease !== null) leases.push(lease);
  }
  return leases;
}

async function readLease(context: RepositoryContext, key: string, modifiedAt: Date): Promise<Lease | null> {
  const leaseId = nameOf(key);
  try {
    return await getFacts<Lease>(context, key, (fields) => ({
      leaseId,
      kind: fields.text("kind") === "reader" ? "reader" : "backup",
      madeAt: fields.date("madeAt"),
      expiresAt: fields.isNull("expiresAt") ? null : fields.date("expiresAt"),
    }));
  } catch (error) {
    if (!(error instanceof AppError && error.code === "object-damaged")) throw error;
    return { leaseId, kind: "backup", madeAt: modifiedAt, expiresAt: null };
  }
}
