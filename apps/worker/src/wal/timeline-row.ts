import type { FoundTimeline } from "@tidemark/engine";
import type { WalTimelineRow } from "@tidemark/metadata";
import { parseTimelineHistory } from "@tidemark/postgres";

/** PostgreSQL's TimeLineID is a uint32, the column an integer: what passes it is a foreign history, not one of ours. */
const largestTimeline = 2_147_483_647;

/** A timeline's row from its history file; null for one whose number no server of ours can have reached. Throws what a malformed history throws. */
export function timelineRowOf(
  serverId: string,
  { systemIdentifier, timeline, history }: FoundTimeline,
): WalTimelineRow | null {
  if (timeline > largestTimeline) return null;
  const text = Buffer.from(history).toString("utf8");
  const parent = parseTimelineHistory(text).at(-1) ?? null;
  return {
    serverId,
    systemIdentifier: String(systemIdentifier),
    timeline,
    parent: parent?.timeline ?? null,
    switchLsn: parent?.switchLsn ?? null,
    // PostgreSQL refuses a NUL in text, and a history has none.
    history: text.replaceAll("\0", ""),
  };
}
