export interface WorkerRow {
  readonly id: string;
  readonly hostname: string;
  readonly pid: number;
  readonly version: string;
  /** Where it may restore to; empty means anywhere. */
  readonly restoreRoots: readonly string[];
  readonly startedAt: Date;
  readonly lastSeenAt: Date;
  readonly stoppedAt: Date | null;
  /** Seen within the last `aliveForMs` of the query and not stopped, by database time. */
  readonly alive: boolean;
}

export interface NewWorker {
  readonly id: string;
  readonly hostname: string;
  readonly pid: number;
  readonly version: string;
  readonly restoreRoots: readonly string[];
}

export interface WorkerStore {
  register(worker: NewWorker): Promise<void>;
  /** False when it is unknown (rows were lost): register again. */
  heartbeat(id: string): Promise<boolean>;
  stop(id: string): Promise<void>;
  /** Newest first; those not seen for 30 days are left out. */
  list(options?: { readonly aliveForMs?: number }): Promise<readonly WorkerRow[]>;
}
