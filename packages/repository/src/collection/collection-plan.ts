export interface CollectionOptions {
  readonly now: Date;
  /** Packs younger than this are never touched, and a marked pack waits this long. */
  readonly graceMs: number;
  /** Backups being written now: their packs are not garbage however they look. */
  readonly runningBackupIds: readonly string[];
}

export interface CollectionPlan {
  readonly plannedAt: Date;
  /** What it was planned with; execution plans again with the same and refuses (`plan-stale`) when the answer differs. */
  readonly options: CollectionOptions;
  /** Packs seen dead for the first time; they get a mark. */
  readonly mark: readonly string[];
  /** Packs dead in an earlier pass and past the grace period; they are deleted. */
  readonly remove: readonly { readonly packId: string; readonly sizeBytes: number }[];
  /** Backup ids of dead runs whose manifest keys are claimed (revoked) before their packs go. */
  readonly revoke: readonly string[];
  readonly keptPacks: number;
}

export interface CollectionReport {
  readonly marked: number;
  readonly removedPacks: number;
  readonly freedBytes: bigint;
}
