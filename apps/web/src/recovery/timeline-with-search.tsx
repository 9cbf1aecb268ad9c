"use client";
import { useRef, useState } from "react";
import { useNow } from "#lib/use-now.ts";
import { FindMoment } from "./find-moment.tsx";
import { RecoveryTimeline } from "./recovery-timeline.tsx";
import type { Lifetime } from "./window-query.ts";

interface Props {
  readonly server: { readonly id: string; readonly name: string };
  readonly lifetime: Lifetime;
}

/** The time line of the present cluster, and the search that shows on it what it found. */
export function TimelineWithSearch({ server, lifetime }: Props) {
  const now = useNow();
  const [shown, setShown] = useState<{ readonly timeline: number; readonly ms: number } | null>(null);
  const timeline = useRef<HTMLDivElement>(null);
  const edge = lifetime.liveEdge?.lastCommit?.at;
  return (
    <>
      <div ref={timeline} tabIndex={-1} className="scroll-mt-4 outline-none">
        <RecoveryTimeline server={server} lifetime={lifetime} shown={shown} />
      </div>
      <FindMoment
        server={server}
        aroundMs={edge === undefined ? now.getTime() : Date.parse(edge)}
        onShow={(moment) => {
          setShown({ timeline: moment.timeline, ms: Date.parse(moment.commitAt) });
          timeline.current?.scrollIntoView({ block: "start" });
          timeline.current?.focus({ preventScroll: true });
        }}
      />
    </>
  );
}
