import { AppError, type Logger } from "@tidemark/kit";
import {
  type ConnectionSettings,
  type Lsn,
  parseTimelineHistory,
  ReplicationSession,
  SqlSession,
} from "@tidemark/postgres";
import type { ServerArea } from "@tidemark/repository";
import { parseSize } from "../../backup/backup-source.ts";
import type { ReceiveWalRequest } from "./receive-types.ts";
import type { ServerHistory } from "./start-point.ts";

/** What a session found at its other end. */
export interface StreamedServer extends ServerHistory {
  readonly session: ReplicationSession;
  /** How exactly this server is reached. */
  readonly connection: ConnectionSettings;
  readonly systemIdentifier: bigint;
  readonly segmentSizeBytes: number;
  /** How far the server is. */
  readonly flushLsn: Lsn;
  /** The history file of its timeline; empty for timeline 1. */
  readonly historyContent: Uint8Array;
}

/** Reaches the server for streaming. The session is closed when this throws. */
export async function connectForStreaming(
  request: ReceiveWalRequest,
  options: { readonly signal: AbortSignal; readonly logger: Logger },
): Promise<StreamedServer> {
  const session = await ReplicationSession.connect(streamingSettings(request), {
    ...options,
    timeoutMs: connectTimeoutMs,
    commandTimeoutMs,
  });
  try {
    const segmentSizeBytes = parseSize(await session.show("wal_segment_size"), 1);
    const connection: ConnectionSettings = { ...request.connection, hosts: [session.opened.address] };
    return { session, connection, segmentSizeBytes, ...(await identify(session)) };
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** The same server, where it is now. */
export async function identifyAgain(server: StreamedServer): Promise<StreamedServer> {
  return { ...server, ...(await identify(server.session)) };
}

async function identify(session: ReplicationSession) {
  const identity = await session.identifySystem();
  const file = await session.timelineHistory(identity.timeline);
  const historyContent = file?.content ?? new Uint8Array(0);
  const ancestors = parseTimelineHistory(Buffer.from(historyContent).toString("utf8"));
  return { ...identity, historyContent, ancestors };
}

/** An SQL session of the same role with the same one of the hosts, for what the replication protocol cannot tell. */
export async function askServer<T>(
  server: StreamedServer,
  signal: AbortSignal,
  ask: (sql: SqlSession) => Promise<T>,
): Promise<T> {
  const options = { signal, timeoutMs: questionTimeoutMs, questionTimeoutMs };
  const sql = await SqlSession.connect(server.connection, options);
  try {
    return await ask(sql);
  } finally {
    await sql.close();
  }
}

/**
 * A cluster's WAL has one place; another cluster at the same address is refused, not filed elsewhere.
 *
 * @throws AppError `wal-foreign-server`
 */
export async function assertSameSystem(
  area: Pick<ServerArea, "walIdentifiers">,
  request: ReceiveWalRequest,
  seen: { readonly expected: bigint | null; readonly found: bigint },
): Promise<void> {
  if (request.allowOtherSystem === true || seen.found === seen.expected) return;
  const stored = seen.expected === null ? await area.walIdentifiers() : [seen.expected];
  if (stored.length === 0 || stored.includes(seen.found)) return;
  throw new AppError("wal-foreign-server", {
    message: `the server that answers is another cluster (system identifier ${seen.found}) than the one whose WAL is stored (${stored.join(", ")})`,
    hint: "nothing of it was stored; if the server was replaced on purpose, confirm its new system identifier",
    context: { found: seen.found },
  });
}

/**
 * `wal_sender_timeout` may be set by any role for its own session: a server that hears nothing of us for this long gives the
 * slot free. Shorter than the time in which another receiver takes over; five times what we report every two seconds.
 */
function streamingSettings({ connection, synchronous }: ReceiveWalRequest): ConnectionSettings {
  const options = [connection.options, `-c wal_sender_timeout=${walSenderTimeoutMs}`].filter(Boolean).join(" ");
  return { ...connection, options, applicationName: synchronous ? "tidemark_sync" : "tidemark_wal" };
}

/** How long a server keeps a slot for a session that it does not hear. */
export const walSenderTimeoutMs = 10_000;
const connectTimeoutMs = 10_000;
const commandTimeoutMs = 20_000;
const questionTimeoutMs = 5_000;
