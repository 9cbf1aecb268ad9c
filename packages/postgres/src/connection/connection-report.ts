import type { ErrorDescription } from "@tidemark/kit";
import type { SystemIdentity } from "../server/identity.ts";
import type { ServerInfo } from "../server/server-info.ts";
import type { CertificateFacts } from "./certificate-facts.ts";
import type { Remedy } from "./remedy.ts";

/**
 * In this order. From `authentication` on it is an SQL session, in `replication` a replication session of the same
 * role. PostgreSQL authenticates before it looks at the role, and at the role before it looks for the database: a role
 * that may not log in fails at `role` with `database` not reached.
 */
export const connectionSteps = [
  ...(["dns", "tcp", "tls", "authentication", "database", "role", "replication", "version"] as const),
] as const;
export type ConnectionStep = (typeof connectionSteps)[number];

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

/** What was learned on the way; null where the way ended before. */
export interface ConnectionFacts {
  /** The IP address that was reached; null for a Unix socket too. */
  readonly address: string | null;
  /** Protocol and cipher; null: not encrypted (or not got that far). */
  readonly tls: string | null;
  /** TLS was preferred and the server offers none, or refused it: the session is not encrypted. */
  readonly tlsFellBack: boolean;
  /** What the server's certificate says; null as for `tls`. */
  readonly certificate: CertificateFacts | null;
  /** The address of this client as the server sees it. */
  readonly clientAddress: string | null;
  readonly server: ServerInfo | null;
  readonly identity: SystemIdentity | null;
}

export interface ConnectionReport {
  /** True when every step is ok: a base backup can be asked for. */
  readonly ok: boolean;
  /** Every step, in order. */
  readonly steps: readonly ConnectionStepResult[];
  readonly facts: ConnectionFacts;
}
