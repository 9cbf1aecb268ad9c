"use client";
import { createContext, use, useMemo, useSyncExternalStore } from "react";

/** How often ages on the page are said anew. */
export const tickMs = 10_000;

let current = new Date();
const readers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** When the server drew the page; null where it was not drawn there. */
export const DrawnAtContext = createContext<string | null>(null);

/**
 * The present, for ages. All readers share one timer. While the browser takes over what the server drew it is the server's
 * present: with another one an axis may have another mark, and React throws the page away and draws it anew.
 */
export function useNow(): Date {
  const drawnAt = use(DrawnAtContext);
  const drawn = useMemo(() => (drawnAt === null ? null : new Date(drawnAt)), [drawnAt]);
  return useSyncExternalStore(subscribe, readNow, drawn === null ? readNow : () => drawn);
}

function subscribe(reader: () => void): () => void {
  readers.add(reader);
  timer ??= setInterval(() => {
    current = new Date();
    for (const tell of readers) tell();
  }, tickMs);
  return () => {
    readers.delete(reader);
    if (readers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function readNow(): Date {
  // On the server nobody subscribes, and a page must not say the age its process had when it started.
  if (timer === undefined && Date.now() - current.getTime() > tickMs) current = new Date();
  return current;
}
