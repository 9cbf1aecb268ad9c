import { setTimeout as delay } from "node:timers/promises";
import { AppError, type Clock } from "@tidemark/kit";
import { type WalSlotReport, walSlotOf } from "@tidemark/metadata";
import { type SlotSample, slotForecast, walGrowth } from "@tidemark/policy";
import { type Asker, readSlot, readWalPosition, SqlSession } from "@tidemark/postgres";
import { requireServer, serverConnection } from "../open-server.ts";
import type { WorkerDeps } from "../worker-deps.ts";

export interface SlotWatch {
  stop(): Promise<void>;
}

interface Seen {
  /** There was no such slot: told only when it is so twice, since a receiver that begins makes it. */
  readonly isMissing: boolean;
  readonly sample: SlotSample;
  readonly growth: number | null;
}

type WatchDeps = Pick<WorkerDeps, "metadata" | "key" | "clock" | "logger">;

/**
 * Looks at the slot of a claimed server every few seconds: what it holds, what may still be written, and how fast the
 * server writes. A server that cannot be asked is left for the next time: its receiver says so already.
 */
export function startSlotWatch(deps: WatchDeps, serverId: string): SlotWatch {
  const stopping = new AbortController();
  const { signal } = stopping;
  const watching = (async () => {
    let seen: Seen | null = null;
    while (!signal.aborted) {
      try {
        seen = await lookAtSlot(deps, serverId, seen, AbortSignal.any([signal, AbortSignal.timeout(longestLookMs)]));
      } catch (error) {
        if (!signal.aborted) deps.logger.debug({ err: error, serverId }, "the slot could not be looked at");
      }
      const pauseMs = seen?.isMissing === true ? lookAgainMs : lookEveryMs;
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  })();
  return {
    stop() {
      stopping.abort(new AppError("interrupted", { message: "the worker was stopped" }));
      return watching;
    },
  };
}

async function lookAtSlot(deps: WatchDeps, serverId: string, before: Seen | null, signal: AbortSignal): Promise<Seen> {
  const server = await requireServer(deps, serverId);
  const session = await SqlSession.connect(await serverConnection(deps, serverId), { signal, logger: deps.logger });
  try {
    const { report, seen } = await readSlotReport(session, deps.clock, walSlotOf(server), before);
    const isDoubtful = seen.isMissing && before?.isMissing !== true;
    if (!isDoubtful) await deps.metadata.walReceivers.reportSlot({ serverId, ...report });
    return seen;
  } finally {
    await session.close();
  }
}

async function readSlotReport(
  asker: Asker,
  clock: Clock,
  slotName: string,
  before: Seen | null,
): Promise<{ readonly report: Omit<WalSlotReport, "serverId">; readonly seen: Seen }> {
  const slot = await readSlot(asker, slotName);
  const position = await readWalPosition(asker);
  const sample = { atMs: clock.monotonicMs(), serverLsn: position?.lsn ?? 0n };
  const growth = walGrowth(before?.growth ?? null, before?.sample ?? null, sample);
  const safeBytes = slot?.safeWalSizeBytes ?? null;
  const now = clock.now();
  // Free space of the server's disk cannot be asked over SQL.
  const forecast = slotForecast({ walBytesPerSecond: growth, safeBytes, freeBytes: null, now });
  return {
    report: {
      walStatus: slot === null ? "missing" : slot.walStatus,
      restartLsn: slot?.restartLsn ?? null,
      safeBytes,
      retainedBytes: slot?.retainedBytes ?? null,
      serverLsn: position?.lsn ?? null,
      walBytesPerSecond: growth,
      fullAt: forecast?.at ?? null,
    },
    seen: { sample, growth, isMissing: slot === null },
  };
}

const lookEveryMs = 10_000;
const lookAgainMs = 2_000;
const longestLookMs = 30_000;
