import type { FrameThread } from "./frame-thread.ts";

/**
 * Threads between two pools. One that begins anew takes 0.15 s of a processor to load its modules and as much again until what
 * it runs is compiled, which is half of what an increment of 1 % takes (measured 2026-11).
 */
interface KeptThread {
  readonly thread: FrameThread;
  readonly timer: NodeJS.Timeout;
}

const kept = new Map<string, KeptThread[]>();

/** Keeps it for the next pool of this script, where it is idle and there are not `most` already; false: the caller stops it. */
export function keepThread(script: URL, thread: FrameThread, most: number): boolean {
  const others = (kept.get(script.href) ?? []).filter((one) => one.thread.alive);
  if (others.length >= most || !thread.forget()) return false;
  const timer = setTimeout(() => {
    kept.set(
      script.href,
      (kept.get(script.href) ?? []).filter((one) => one.thread !== thread),
    );
    // Whether it could be stopped matters to nobody any more: it has no work and does not keep the process alive.
    thread.stop().catch(() => undefined);
  }, keptMs);
  timer.unref();
  kept.set(script.href, [...others, { thread, timer }]);
  return true;
}

/** The one that was kept last and is still alive. */
export function takeKeptThread(script: URL): FrameThread | null {
  const threads = kept.get(script.href) ?? [];
  for (let last = threads.pop(); last !== undefined; last = threads.pop()) {
    clearTimeout(last.timer);
    if (last.thread.alive) return last.thread;
  }
  return null;
}

/** Some 15 MiB each: as long as one server's backup follows another's, or one increment the other. */
const keptMs = 10 * 60_000;
