"use client";
import { useSyncExternalStore } from "react";

/** How often ages on the page are said anew. */
export const tickMs = 10_000;

let current = new Date();
const readers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** The present, for ages. All readers share one timer. */
export function useNow(): Date {
  return useSyncExternalStore(subscribe, readNow, readNow);
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
