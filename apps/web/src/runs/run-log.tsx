"use client";
import { clsx } from "clsx";
import { useEffect, useRef, useState } from "react";
import { absoluteTime } from "#lib/format.ts";
import { Button } from "#ui/button.tsx";
import { Panel } from "#ui/panel.tsx";
import { useLocalZone } from "#ui/time.tsx";
import type { RunEvent } from "./run-query.ts";

/** Lines drawn at first; the page of a long run stays light. */
const shownLines = 400;

const levelClass = { DEBUG: "text-muted", INFO: "", WARN: "text-warn", ERROR: "text-bad font-medium" } as const;

export function RunLog({ events, final }: { readonly events: readonly RunEvent[]; readonly final: boolean }) {
  const [debug, setDebug] = useState(false);
  const [all, setAll] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const zone = useLocalZone();
  const wanted = debug ? events : events.filter((event) => event.level !== "DEBUG");
  const shown = all ? wanted : wanted.slice(-shownLines);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each new line scrolls, unless the reader has scrolled away from the end.
  useEffect(() => {
    if (atEnd.current && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [shown.length]);

  return (
    <Panel
      title="Log"
      padded={false}
      action={
        <label className="flex items-center gap-2 text-sm text-muted">
          <input type="checkbox" checked={debug} onChange={(event) => setDebug(event.target.checked)} />
          Detail lines
        </label>
      }
    >
      <div
        ref={box}
        role="log"
        aria-label="Log lines"
        // The state is announced elsewhere, phase by phase; reading every line aloud would be noise.
        aria-live="off"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard (WCAG 2.1.1).
        tabIndex={0}
        onScroll={(event) => {
          const { scrollTop, clientHeight, scrollHeight } = event.currentTarget;
          atEnd.current = scrollHeight - scrollTop - clientHeight < 24;
        }}
        className="max-h-112 overflow-y-auto px-4 py-3 font-mono text-[0.8125rem] leading-relaxed sm:px-5"
      >
        {shown.length < wanted.length && (
          <Button small className="mb-2 font-sans" onClick={() => setAll(true)}>
            Show {wanted.length - shown.length} earlier lines
          </Button>
        )}
        {shown.length === 0 && (
          <p className="font-sans text-muted">{final ? "This run wrote no line." : "No line yet."}</p>
        )}
        <ol>
          {shown.map((event) => (
            <li key={event.seq} className="flex gap-3">
              <time
                dateTime={event.at}
                title={absoluteTime(new Date(event.at), "UTC")}
                className="shrink-0 text-muted tabular-nums"
              >
                {absoluteTime(new Date(event.at), zone).slice(11, 19)}
              </time>
              <span className={clsx("min-w-0 break-words whitespace-pre-wrap", levelClass[event.level])}>
                {event.level === "ERROR" && "error: "}
                {event.level === "WARN" && "warning: "}
                {event.message}
              </span>
            </li>
          ))}
        </ol>
        {events.length > 0 && <p className="mt-2 font-sans text-muted">Times are {zone}.</p>}
      </div>
    </Panel>
  );
}
