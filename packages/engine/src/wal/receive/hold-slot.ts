import { AppError, type Logger } from "@tidemark/kit";
import { type Lsn, readSlot, type SqlSession } from "@tidemark/postgres";
import type { ReceiveWalRequest } from "./receive-types.ts";
import { askServer, type StreamedServer } from "./streamed-server.ts";

export interface SlotContext {
  readonly request: ReceiveWalRequest;
  readonly server: StreamedServer;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/** Makes the slot, which holds WAL from now on. False: it is there already. */
export async function createSlot({ request, server, logger }: SlotContext): Promise<boolean> {
  try {
    await server.session.createPhysicalSlot(request.slotName, { reserveWal: true });
    logger.info({ slot: request.slotName }, "the replication slot was made");
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === "slot-exists") return false;
    throw error;
  }
}

/** A slot whose WAL was given up never holds any again: a new one takes its place. */
export async function replaceSlot(context: SlotContext): Promise<void> {
  await context.server.session.dropSlot(context.request.slotName);
  await createSlot(context);
}

/**
 * The oldest WAL the slot holds; null when it holds none, or when nobody can be asked: before 15 it takes an SQL session,
 * which pg_hba.conf may not allow.
 */
export async function slotRestartLsn(context: SlotContext): Promise<Lsn | null> {
  const { request, server, signal, logger } = context;
  if (server.session.capabilities.canReadReplicationSlot) {
    return (await server.session.readReplicationSlot(request.slotName))?.restartLsn ?? null;
  }
  try {
    return await askServer(server, signal, async (sql) => (await readSlot(sql, request.slotName))?.restartLsn ?? null);
  } catch (error) {
    if (!(error instanceof AppError) || signal.aborted) throw error;
    logger.warn({ code: error.code }, "the server could not be asked what its slot holds");
    return null;
  }
}

/**
 * Ends the session that holds the slot, when it is one of our own role: of a receiver that died without the server's
 * noticing, or whose line is dead. Any role may end its own sessions (pg_terminate_backend). False: nothing was ended.
 */
export async function endOldSender(context: SlotContext): Promise<boolean> {
  const { request, server, signal, logger } = context;
  try {
    const ended = await askServer(server, signal, (sql) => terminateHolder(sql, request.slotName));
    if (ended) logger.warn({ slot: request.slotName }, "an older session of ours that held the slot was ended");
    return ended;
  } catch (error) {
    if (!(error instanceof AppError) || signal.aborted) throw error;
    logger.warn({ code: error.code }, "the session that holds the slot could not be ended; the server will, in time");
    return false;
  }
}

async function terminateHolder(sql: SqlSession, slotName: string): Promise<boolean> {
  const rows = await sql.query<{ ended: boolean }>(
    `SELECT pg_catalog.pg_terminate_backend(a.pid) AS ended
       FROM pg_catalog.pg_replication_slots s
       JOIN pg_catalog.pg_stat_activity a ON a.pid = s.active_pid
      WHERE s.slot_name = $1 AND a.usename = SESSION_USER`,
    [slotName],
  );
  return rows.some(({ ended }) => ended);
}
