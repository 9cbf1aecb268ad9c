import { AppError } from "@tidemark/kit";
import { type Lsn, parseLsn } from "./lsn.ts";

/** One ancestor of a timeline: until where it is followed before the next one. */
export interface TimelineAncestor {
  readonly timeline: number;
  /** The first byte that belongs to the next timeline. */
  readonly switchLsn: Lsn;
  /** The server's words, as `no recovery target specified`. */
  readonly reason: string;
}

/**
 * Parses a `.history` file, oldest ancestor first: `<timeline> <switch point> <reason>` a line, comments begin with `#`
 * (src/backend/access/transam/timeline.c, readTimeLineHistory).
 *
 * @throws AppError `backup-stream-damaged` when it is malformed or its timelines do not ascend.
 */
export function parseTimelineHistory(text: string): TimelineAncestor[] {
  const ancestors: TimelineAncestor[] = [];
  for (const line of text.split("\n")) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const match = /^\s*(\d{1,10})\s+([0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8})(?:\s+(.*))?$/.exec(line);
    const timeline = Number(match?.[1]);
    if (match === null || timeline <= (ancestors.at(-1)?.timeline ?? 0)) {
      throw new AppError("backup-stream-damaged", { message: `a timeline history cannot be read at "${line}"` });
    }
    ancestors.push({ timeline, switchLsn: parseLsn(match[2] as string), reason: match[3] ?? "" });
  }
  return ancestors;
}
