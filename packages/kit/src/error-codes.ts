/**
 * The one list of error codes. A code is part of the API: it is stable, it is what scripts match on, and every
 * surface (page, GraphQL, REST, CLI, logs) shows the same one.
 *
 * - `retry`: whether the same act may succeed when repeated unchanged: `never`, `later` (after the world changed or
 *   some time passed) or `now`.
 * - `blame`: whose turn it is: `user` (the request), `server` (the managed PostgreSQL server), `repository` (where
 *   backups live), `host` (the machine Tidemark runs on) or `tidemark` (a bug of ours).
 */
export const errorCodes = {
  // the request
  "bad-request": { retry: "never", blame: "user" },
  "not-found": { retry: "never", blame: "user" },
  "not-authenticated": { retry: "never", blame: "user" },
  "not-allowed": { retry: "never", blame: "user" },
  "token-expired": { retry: "never", blame: "user" },
  "rate-limited": { retry: "later", blame: "user" },
  "name-taken": { retry: "never", blame: "user" },
  "idempotency-key-reused": { retry: "never", blame: "user" },
  "request-in-flight": { retry: "later", blame: "user" },
  "query-too-deep": { retry: "never", blame: "user" },
  "query-too-costly": { retry: "never", blame: "user" },
  "page-size-out-of-range": { retry: "never", blame: "user" },
  "version-conflict": { retry: "never", blame: "user" },
  "plan-stale": { retry: "never", blame: "user" },
  "server-busy": { retry: "later", blame: "user" },
  "run-already-final": { retry: "never", blame: "user" },
  "setting-invalid": { retry: "never", blame: "user" },
  "cron-invalid": { retry: "never", blame: "user" },
  "policy-invalid": { retry: "never", blame: "user" },
  cancelled: { retry: "never", blame: "user" },
  interrupted: { retry: "now", blame: "host" },

  // reaching and using a managed server
  "dsn-invalid": { retry: "never", blame: "user" },
  "host-unknown": { retry: "later", blame: "server" },
  "connection-refused": { retry: "later", blame: "server" },
  "connection-timeout": { retry: "later", blame: "server" },
  "connection-lost": { retry: "later", blame: "server" },
  "tls-not-offered": { retry: "never", blame: "server" },
  "tls-failed": { retry: "never", blame: "server" },
  "auth-method-unsupported": { retry: "never", blame: "server" },
  "password-wrong": { retry: "never", blame: "server" },
  "password-missing": { retry: "never", blame: "user" },
  "hba-entry-missing": { retry: "never", blame: "server" },
  "role-unknown": { retry: "never", blame: "server" },
  "database-unknown": { retry: "never", blame: "server" },
  "replication-not-permitted": { retry: "never", blame: "server" },
  "wal-level-minimal": { retry: "never", blame: "server" },
  "wal-senders-exhausted": { retry: "later", blame: "server" },
  "replication-slots-exhausted": { retry: "later", blame: "server" },
  "server-starting": { retry: "later", blame: "server" },
  "server-shutting-down": { retry: "later", blame: "server" },
  "too-many-connections": { retry: "later", blame: "server" },
  "version-unsupported": { retry: "never", blame: "server" },
  "privilege-missing": { retry: "never", blame: "server" },
  "server-error": { retry: "later", blame: "server" },
  "protocol-violation": { retry: "later", blame: "server" },
  "system-identifier-changed": { retry: "never", blame: "server" },
  "system-identifier-registered": { retry: "never", blame: "user" },
  "slot-exists": { retry: "never", blame: "server" },
  "slot-missing": { retry: "never", blame: "server" },
  "slot-in-use": { retry: "later", blame: "server" },
  "server-in-recovery": { retry: "never", blame: "server" },
  "server-not-in-recovery": { retry: "never", blame: "server" },
  "server-offline": { retry: "never", blame: "user" },
  "connection-missing": { retry: "never", blame: "user" },
  "file-missing-on-server": { retry: "never", blame: "server" },
  "backup-already-running": { retry: "later", blame: "server" },
  "replication-protocol-missing": { retry: "never", blame: "server" },
  "standby-promoted": { retry: "later", blame: "server" },

  // taking a backup
  "backup-session-lost": { retry: "now", blame: "server" },
  "backup-stream-damaged": { retry: "now", blame: "server" },
  "backup-member-refused": { retry: "never", blame: "server" },
  "backup-manifest-mismatch": { retry: "now", blame: "server" },
  "incremental-refused": { retry: "now", blame: "server" },
  "wal-removed": { retry: "now", blame: "server" },

  // the repository and the store below it
  "repository-not-ours": { retry: "never", blame: "user" },
  "repository-missing": { retry: "never", blame: "user" },
  "repository-exists": { retry: "never", blame: "user" },
  "repository-format-newer": { retry: "never", blame: "user" },
  "repository-key-missing": { retry: "never", blame: "user" },
  "repository-key-wrong": { retry: "never", blame: "user" },
  "repository-keys-disagree": { retry: "never", blame: "repository" },
  "key-slot-needed": { retry: "never", blame: "user" },
  "repository-read-only": { retry: "never", blame: "repository" },
  "storage-full": { retry: "later", blame: "repository" },
  "storage-unreachable": { retry: "later", blame: "repository" },
  "storage-denied": { retry: "never", blame: "repository" },
  "storage-failed": { retry: "later", blame: "repository" },
  "storage-throttled": { retry: "later", blame: "repository" },
  "storage-tls-failed": { retry: "never", blame: "repository" },
  "storage-host-unknown": { retry: "later", blame: "repository" },
  "storage-bucket-missing": { retry: "never", blame: "user" },
  "storage-region-wrong": { retry: "never", blame: "user" },
  "storage-credentials-missing": { retry: "never", blame: "user" },
  "storage-credentials-wrong": { retry: "never", blame: "user" },
  "storage-credentials-expired": { retry: "never", blame: "user" },
  "storage-clock-skewed": { retry: "later", blame: "host" },
  "object-missing": { retry: "never", blame: "repository" },
  "object-exists": { retry: "never", blame: "repository" },
  "object-damaged": { retry: "never", blame: "repository" },
  "manifest-missing": { retry: "never", blame: "repository" },
  "manifest-damaged": { retry: "never", blame: "repository" },
  "pack-missing": { retry: "never", blame: "repository" },
  "pack-damaged": { retry: "never", blame: "repository" },
  "backup-revoked": { retry: "never", blame: "repository" },
  "backup-held": { retry: "never", blame: "user" },
  "backup-protected": { retry: "never", blame: "user" },
  "backup-damaged": { retry: "never", blame: "repository" },

  // restore and drill
  "target-not-empty": { retry: "never", blame: "user" },
  "target-not-allowed": { retry: "never", blame: "user" },
  "target-not-writable": { retry: "never", blame: "host" },
  "target-in-use": { retry: "later", blame: "user" },
  "target-other-cluster": { retry: "never", blame: "user" },
  "target-full": { retry: "later", blame: "host" },
  "tablespace-unmapped": { retry: "never", blame: "user" },
  "restore-mismatch": { retry: "never", blame: "repository" },
  "drill-failed": { retry: "never", blame: "repository" },
  "drill-not-possible": { retry: "never", blame: "host" },
  "postgres-binaries-missing": { retry: "later", blame: "host" },
  "postgres-start-failed": { retry: "never", blame: "host" },

  // the machine and the control plane
  "port-taken": { retry: "never", blame: "host" },
  "cluster-missing": { retry: "never", blame: "host" },
  "home-in-use": { retry: "never", blame: "host" },
  "home-not-writable": { retry: "never", blame: "host" },
  "disk-full": { retry: "later", blame: "host" },
  "install-failed": { retry: "later", blame: "host" },
  "schema-newer": { retry: "never", blame: "host" },
  "database-not-ours": { retry: "never", blame: "user" },
  "metadata-unreachable": { retry: "later", blame: "host" },
  "queue-unreachable": { retry: "later", blame: "host" },
  "lease-lost": { retry: "now", blame: "host" },
  "worker-key-missing": { retry: "never", blame: "host" },
  "secret-unreadable": { retry: "never", blame: "host" },
  "api-unreachable": { retry: "later", blame: "host" },
  internal: { retry: "never", blame: "tidemark" },
} as const satisfies Record<string, { readonly retry: RetryAdvice; readonly blame: Blame }>;

export type RetryAdvice = "never" | "later" | "now";
export type Blame = "user" | "server" | "repository" | "host" | "tidemark";
export type ErrorCode = keyof typeof errorCodes;

export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(errorCodes, value);
}
