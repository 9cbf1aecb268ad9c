import { identifyProcess, isProcessAlive } from "@tidemark/kit";

export interface StopRequests {
  /** The first Ctrl-C, SIGTERM, or the end of the process that started us. */
  readonly first: Promise<void>;
  /** A second Ctrl-C or SIGTERM. */
  readonly second: Promise<void>;
  /** Aborts with `first`. */
  readonly signal: AbortSignal;
  asked(): boolean;
}

/**
 * Listens for the wish to stop. One Ctrl-C can reach us more than once (the terminal's process group, npm and the
 * bootstrap pass it on), so what follows within half a second counts as the same one.
 *
 * `bootstrapPid` is the process that `npm start` runs; when it is killed nobody could stop us with Ctrl-C any more.
 */
export function stopRequests(bootstrapPid: string | undefined): StopRequests {
  const controller = new AbortController();
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  let askedAtMs: number | null = null;
  const ask = () => {
    const nowMs = performance.now();
    if (askedAtMs === null) {
      askedAtMs = nowMs;
      controller.abort(new Error("told to stop"));
      first.resolve();
    } else if (nowMs - askedAtMs > sameWishMs) second.resolve();
  };
  process.on("SIGINT", ask);
  process.on("SIGTERM", ask);
  // A closed terminal ends the product as it ends other programs; `nohup` and services ignore it before they start us.
  process.on("SIGHUP", ask);
  watchBootstrap(bootstrapPid, () => {
    if (askedAtMs === null) ask();
  });
  return { first: first.promise, second: second.promise, signal: controller.signal, asked: () => askedAtMs !== null };
}

function watchBootstrap(bootstrapPid: string | undefined, onGone: () => void): void {
  const bootstrap = bootstrapPid === undefined ? null : identifyProcess(Number(bootstrapPid));
  if (bootstrap === null) return;
  setInterval(() => {
    if (!isProcessAlive(bootstrap)) onGone();
  }, watchEveryMs).unref();
}

const sameWishMs = 500;
const watchEveryMs = 1_000;
