"use client";
import { useSyncExternalStore } from "react";
import { absoluteTime, relativeTime, scheduledTime, unknown } from "#lib/format.ts";
import { tickMs, useNow } from "#lib/use-now.ts";
import { useServerZone } from "./server-zone.tsx";

interface TimeProps {
  readonly at: string | null | undefined;
  /** `relative` (the default) says an age; `absolute` and `scheduled` a calendar time in the reader's zone. */
  readonly show?: "relative" | "absolute" | "scheduled";
  /** Another zone than the reader's, as of a schedule. */
  readonly zone?: string;
}

/** An instant: UTC in the markup and the tooltip with the server's time, the reader's own time on the page, the zone always named. */
export function Time({ at, show = "relative", zone }: TimeProps) {
  const now = useNow();
  const local = useLocalZone();
  const serverZone = useServerZone();
  if (at === null || at === undefined) return <>{unknown}</>;
  const instant = new Date(at);
  const shownZone = zone ?? local;
  const absolute = absoluteTime(instant, shownZone);
  const utc = absoluteTime(instant, "UTC");
  const clocks = [absolute, ...(serverZone === null ? [] : [absoluteTime(instant, serverZone)]), utc];
  const text = {
    relative: relativeTime(instant, notBefore(instant, now)),
    absolute,
    scheduled: scheduledTime(instant, shownZone),
  }[show];
  return (
    <time dateTime={instant.toISOString()} title={[...new Set(clocks)].join(" · ")} suppressHydrationWarning>
      {text}
    </time>
  );
}

/** The page's present lags up to one tick: what has just happened is not in the future. */
function notBefore(instant: Date, now: Date): Date {
  const aheadMs = instant.getTime() - now.getTime();
  return aheadMs > 0 && aheadMs <= tickMs ? instant : now;
}

/** The reader's zone; `UTC` while the page comes from the server, which cannot know it. */
export function useLocalZone(): string {
  return useSyncExternalStore(neverChanges, readLocalZone, () => "UTC");
}

const neverChanges = () => () => undefined;

function readLocalZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
