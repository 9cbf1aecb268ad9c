/** A turn of the event loop in which our own code kept the thread busy too long. */
export interface LongSlice {
  /** CPU time of this thread in the turn: waiting for a core or for the disk does not count. */
  readonly cpuMs: number;
  readonly wallMs: number;
}

export interface SliceMonitor {
  /** The longest slice since the start, in milliseconds of thread CPU time. */
  readonly longestMs: number;
  stop(): void;
}

/**
 * Watches that nothing blocks the event loop: a timer asks for its turn every 10 ms, and where it had to wait longer
 * than the limit while this thread burnt as much CPU time, `onLongSlice` is told. Wall time alone would accuse us of
 * what a busy machine does. A turn may hold several callbacks, so the value is an upper bound of one slice.
 */
export function startSliceMonitor(onLongSlice: (slice: LongSlice) => void, limitMs = defaultLimitMs): SliceMonitor {
  let longestMs = 0;
  let cpuBefore = threadCpuMs();
  let wallBefore = performance.now();
  const timer = setInterval(() => {
    const cpuNow = threadCpuMs();
    const wallNow = performance.now();
    const slice = { cpuMs: cpuNow - cpuBefore, wallMs: wallNow - wallBefore };
    cpuBefore = cpuNow;
    wallBefore = wallNow;
    // Late by more than the interval itself: below that the CPU time is that of many short turns.
    if (slice.wallMs < intervalMs * 2) return;
    longestMs = Math.max(longestMs, slice.cpuMs);
    if (slice.cpuMs > limitMs) onLongSlice(slice);
  }, intervalMs);
  timer.unref();
  return {
    get longestMs() {
      return longestMs;
    },
    stop: () => clearInterval(timer),
  };
}

function threadCpuMs(): number {
  const usage = process.threadCpuUsage();
  return (usage.user + usage.system) / 1000;
}

const intervalMs = 10;
/** The rule: no synchronous slice of ours over 50 ms. */
const defaultLimitMs = 50;
