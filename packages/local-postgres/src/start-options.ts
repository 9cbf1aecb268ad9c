import type { Logger, Secret } from "@tidemark/kit";
import type { PostgresInstallation } from "./installation.ts";
import type { ServerSettings } from "./server-settings.ts";

/** How a server is started; see `startCluster`. */
export interface StartClusterOptions {
  readonly installation: PostgresInstallation;
  /** The data directory (as given to `initCluster`, or a restored one). */
  readonly dataDir: string;
  /** `loopback`: 127.0.0.1 and the unix socket; `socket-only`: no TCP at all. Default loopback. */
  readonly listen?: "loopback" | "socket-only";
  /** A port of one's choice, or any free one (the default). A socket-only server uses it in its socket's name. */
  readonly port?: number;
  /** Given on the command line, so they win over every file of the cluster, postgresql.auto.conf included. */
  readonly settings?: ServerSettings;
  /** Our own files in place of the cluster's, for a cluster whose configuration must not count. */
  readonly configFile?: string;
  readonly hbaFile?: string;
  readonly identFile?: string;
  /** Where the server's output goes; `<dataDir>.log` unless told otherwise. */
  readonly logPath?: string;
  /** For `dsn()`, and asked for by name when readiness is probed. Default `postgres`. */
  readonly superuser?: string;
  readonly password?: Secret | null;
  /** When a server is running on that data directory already (its starter died): default stop it and start anew. */
  readonly ifRunning?: "stop" | "adopt" | "refuse";
  /** `detached`: this process may end before the server. Either way the server is in a session of its own, so that
   * Ctrl-C on a terminal reaches us and not it. Default child. */
  readonly lifetime?: "child" | "detached";
  /** `accepting`: return when it takes connections (the default); `spawned`: at once, the caller watches recovery. */
  readonly until?: "accepting" | "spawned";
  /** How long it may take until it takes connections; recovery of much WAL takes long. Default 60 s. */
  readonly startTimeoutMs?: number;
  /** More environment for the server, which its restore_command and archive_command inherit. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly logger?: Logger;
}
