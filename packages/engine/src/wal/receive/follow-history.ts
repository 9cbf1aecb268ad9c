import { AppError } from "@tidemark/kit";
import type { WalArchive } from "@tidemark/repository";
import type { FoundTimeline } from "./receive-types.ts";
import { timelineChain } from "./start-point.ts";
import type { StreamedServer } from "./streamed-server.ts";

/**
 * Stores the history files of the server's timeline and of its ancestors, as far as the server still has them, and tells
 * of each timeline once. `told` remembers which.
 *
 * @throws AppError `wal-conflict` when the archive has another history under the same number: two servers were promoted
 * apart from each other.
 */
export async function storeHistories(
  server: StreamedServer,
  archive: WalArchive,
  told: Set<number>,
  onTimeline: (found: FoundTimeline) => Promise<void>,
): Promise<void> {
  for (const { timeline } of timelineChain(server)) {
    if (told.has(timeline)) continue;
    const history = timeline === server.timeline ? server.historyContent : await ancestorHistory(server, timeline);
    if (history === null) continue;
    if (timeline !== 1) await archive.putHistory(timeline, history);
    await onTimeline({ systemIdentifier: server.systemIdentifier, timeline, history });
    told.add(timeline);
  }
}

/** Null: the server no longer has it. Its own history names the ancestor all the same. */
async function ancestorHistory(server: StreamedServer, timeline: number): Promise<Uint8Array | null> {
  try {
    return (await server.session.timelineHistory(timeline))?.content ?? new Uint8Array(0);
  } catch (error) {
    // walsender.c, SendTimeLineHistory: the file cannot be opened.
    if (error instanceof AppError && error.context.sqlState === "58P01") return null;
    throw error;
  }
}
