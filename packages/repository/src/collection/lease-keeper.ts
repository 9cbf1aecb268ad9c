import { leaseKey } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { type LeaseKind, putLease } from "./lease.ts";

export interface HeldLease {
  /** When the newest lease was made: what is older than its term is not protected any more. */
  readonly renewedAt: Date;
  /** Why the last renewal failed, or null. Work may go on: what it needs is missed loudly, never silently. */
  readonly problem: string | null;
  /** Puts a new lease, then removes the one before. Called by a timer; one renewal at a time. */
  renew(): Promise<void>;
  /** Removes the lease. What could not be removed expires. */
  release(): Promise<void>;
}

export interface LeaseTerms {
  readonly kind: Exclude<LeaseKind, "renewal">;
  /** A writer's: the backup's id, which is the name of its first lease and stays until the end. Null for the others. */
  readonly backupId: string | null;
}

/**
 * Six renewals fit into a lease's time: a store that is away for most of an hour costs nobody a lease, and a reader that
 * died stands in the collection's way for an hour at most.
 */
export const renewalsPerTerm = 6;

/** Makes a lease and renews it until it is released. Throws what the store says when the first one cannot be put. */
export async function holdLease(context: RepositoryContext, serverId: string, terms: LeaseTerms): Promise<HeldLease> {
  const keeper = new LeaseKeeper(context, serverId, terms);
  await keeper.begin();
  return keeper;
}

class LeaseKeeper implements HeldLease {
  renewedAt = new Date(0);
  problem: string | null = null;
  readonly #context: RepositoryContext;
  readonly #serverId: string;
  readonly #terms: LeaseTerms;
  readonly #keys = new Set<string>();
  #stop: () => void = () => undefined;
  #renewing: Promise<void> | null = null;

  constructor(context: RepositoryContext, serverId: string, terms: LeaseTerms) {
    this.#context = context;
    this.#serverId = serverId;
    this.#terms = terms;
  }

  async begin(): Promise<void> {
    const { kind, backupId } = this.#terms;
    await this.#put(kind, backupId ?? this.#context.newId("lease"), null);
    this.#stop = this.#context.every(this.#context.leaseRenewalMs, () => void this.#renewQuietly());
  }

  renew(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async release(): Promise<void> {
    this.#stop();
    await this.#renewing?.catch(() => undefined);
    // A writer's first lease goes last: it stands for all of them.
    for (const key of [...this.#keys].reverse()) {
      await this.#context.store.delete(key);
      this.#keys.delete(key);
    }
  }

  async #renew(): Promise<void> {
    const { kind, backupId } = this.#terms;
    const before = [...this.#keys].filter((key) => backupId === null || key !== leaseKey(this.#serverId, backupId));
    await this.#context.step("renew:before-put");
    await this.#put(kind === "backup" ? "renewal" : kind, this.#context.newId("lease"), backupId);
    await this.#context.step("renew:after-put");
    for (const key of before) {
      await this.#context.store.delete(key);
      this.#keys.delete(key);
    }
  }

  async #renewQuietly(): Promise<void> {
    try {
      await this.renew();
      this.problem = null;
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
    }
  }

  async #put(kind: LeaseKind, leaseId: string, backupId: string | null): Promise<void> {
    const madeAt = this.#context.clock.now();
    const expiresAt =
      kind === "backup" || kind === "renewal"
        ? null
        : new Date(madeAt.getTime() + this.#context.leaseRenewalMs * renewalsPerTerm);
    const key = leaseKey(this.#serverId, leaseId);
    // Known before it is put: a put whose answer was lost is to be removed as well. A backup's id that is taken is not ours.
    if (kind !== "backup") this.#keys.add(key);
    await putLease(this.#context, this.#serverId, { leaseId, kind, madeAt, expiresAt, backupId });
    this.#keys.add(key);
    this.renewedAt = madeAt;
  }
}
