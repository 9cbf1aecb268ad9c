import { AppError } from "@tidemark/kit";
import type { RepositoryContext } from "../repository-context.ts";
import { type HeldLease, holdLease } from "./lease-keeper.ts";

/** While it is held no collection removes a pack, whoever runs it: for a restore or verification, or a copy. */
export interface PackHold extends AsyncDisposable {
  /** Why the packs are not held (a store that cannot be written to, a renewal that failed), or null. Reading may go on. */
  readonly problem: string | null;
}

/**
 * Made before the manifest is read. A store that refuses to be written to holds nobody up: whoever removes a pack
 * meanwhile is noticed, for the pack is missing then. Throws what kept the store from being asked at all.
 */
export async function holdPacks(
  context: RepositoryContext,
  serverId: string,
  kind: "reader" | "copy",
): Promise<PackHold> {
  try {
    return new LeaseHold(await holdLease(context, serverId, { kind, backupId: null }));
  } catch (error) {
    if (!(error instanceof AppError && unwritable.has(error.code))) throw error;
    return { problem: error.message, [Symbol.asyncDispose]: async () => undefined };
  }
}

const unwritable: ReadonlySet<string> = new Set(["repository-read-only", "storage-denied", "storage-full"]);

class LeaseHold implements PackHold {
  readonly #lease: HeldLease;

  constructor(lease: HeldLease) {
    this.#lease = lease;
  }

  get problem(): string | null {
    return this.#lease.problem;
  }

  /** A lease that cannot be removed now expires within the hour: no reason for what was read to fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#lease.release();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
  }
}
