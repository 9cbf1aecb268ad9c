import type { Logger } from "@tidemark/kit";
import type { ConnectObserver } from "../connection/socket.ts";

export interface SessionOptions {
  /** Ends the session at once, wherever it is; what was pending rejects with `cancelled`. */
  readonly signal?: AbortSignal | undefined;
  /** Gets the server's notices. */
  readonly logger?: Logger | undefined;
  /** For reaching and logging in, per host; the settings' own connect_timeout comes first. 10,000 unless given. */
  readonly timeoutMs?: number | undefined;
  /**
   * SQL sessions only: settings of the session from its first moment (`-c name=value …`). They win over those given to
   * the role or the database, also where these would keep a session from starting (session_preload_libraries).
   */
  readonly startupOptions?: string | undefined;
  /** SQL sessions only: the limit of questions that have none of their own, in milliseconds. 30,000 unless given. */
  readonly questionTimeoutMs?: number | undefined;
  /**
   * Replication sessions only: a command (not a base backup) that has no answer after this long ends the session.
   * 60,000 unless given.
   */
  readonly commandTimeoutMs?: number | undefined;
  /**
   * Replication sessions only: a base backup of which no byte comes for this long, while we wait for one, ends the
   * session. 600,000 (10 minutes) unless given. Until the copy starts the server is
   * waiting for its checkpoint, and hours are granted.
   */
  readonly stallLimitMs?: number | undefined;
  /** Is told when each phase of connecting begins and ends. */
  readonly observer?: ConnectObserver | undefined;
}

export const defaultConnectTimeoutMs = 10_000;
