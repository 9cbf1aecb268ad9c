import type { ErrorDescription } from "@tidemark/kit";

export type ConnectionStep = "dns" | "tcp" | "tls" | "login" | "replication" | "version" | "wal-level" | "wal-senders";

/** What to paste where; exact, for this role and this client. */
export interface Remedy {
  /** SQL for a superuser's session on the server. */
  readonly sql?: string;
  /** A line for pg_hba.conf (then `SELECT pg_reload_conf();`). */
  readonly hba?: string;
  /** What to change in our own connection settings, in words. */
  readonly settings?: string;
  /** The server must be restarted for it. */
  readonly needsRestart?: boolean;
}

export interface ConnectionStepResult {
  readonly step: ConnectionStep;
  /** `skipped`: an earlier step failed, or the step does not apply (TLS on a Unix socket). Nothing is claimed. */
  readonly state: "ok" | "failed" | "skipped";
  readonly durationMs: number;
  /** One sentence: what was found. Empty when skipped after a failure. */
  readonly detail: string;
  readonly error?: ErrorDescription;
  readonly remedy?: Remedy;
}

/** Facts learned on the way; only what was really reached. */
export interface ConnectionFacts {
  readonly address: string | null;
  readonly tls: string | null;
  readonly versionNum: number | null;
  readonly versionText: string | null;
  readonly major: number | null;
  readonly systemIdentifier: bigint | null;
  readonly timeline: number | null;
  readonly isSuperuser: boolean | null;
  readonly inRecovery: boolean | null;
  readonly walLevel: string | null;
  readonly maxWalSenders: number | null;
  readonly usedWalSenders: number | null;
  readonly dataChecksums: boolean | null;
  /** The address of this client as the server sees it. */
  readonly clientAddress: string | null;
}

export interface ConnectionReport {
  /** True when every step is ok: a base backup can be asked for. */
  readonly ok: boolean;
  /** Every step, in order. */
  readonly steps: readonly ConnectionStepResult[];
  readonly facts: ConnectionFacts;
}
