import { AppError, type Logger, systemClock } from "@tidemark/kit";
import { parseDsn } from "@tidemark/postgres";
import type { WalArchive } from "@tidemark/repository";
import { waitFor } from "@tidemark/testkit";
import type {
  FoundTimeline,
  ReceiveWalDeps,
  ReceiveWalRequest,
  StoredSegment,
  WalGap,
  WalReceiverState,
} from "./receive-types.ts";
import { receiveWal } from "./receive-wal.ts";

/** For tests: a receiver in this process and what it told. */
export interface TestReceiver extends AsyncDisposable {
  readonly state: WalReceiverState;
  readonly states: readonly WalReceiverState[];
  readonly segments: readonly StoredSegment[];
  readonly timelines: readonly FoundTimeline[];
  readonly gaps: readonly WalGap[];
  /** Until everything up to there is durable. */
  reach(lsn: bigint): Promise<void>;
  /** Until it streams. */
  streams(): Promise<void>;
  stop(): Promise<void>;
  /** Until it ends by itself; throws what it ended with. */
  ends(): Promise<void>;
}

export function startReceiver(
  dsn: string,
  archiveOf: (systemIdentifier: bigint) => WalArchive,
  request: Partial<ReceiveWalRequest> = {},
  deps: Partial<ReceiveWalDeps> = {},
): TestReceiver {
  const states: WalReceiverState[] = [];
  const segments: StoredSegment[] = [];
  const timelines: FoundTimeline[] = [];
  const gaps: WalGap[] = [];
  const stop = new AbortController();
  const own: ReceiveWalDeps = {
    area: { wal: archiveOf, walIdentifiers: async () => [] },
    clock: systemClock,
    logger: quietLogger,
    onState: (state) => void states.push(state),
    onSegment: async (stored) => void segments.push(stored),
    onTimeline: async (found) => void timelines.push(found),
    onGap: async (gap) => void gaps.push(gap),
  };
  const defaults: ReceiveWalRequest = {
    connection: parseDsn(dsn),
    slotName: "tidemark_test",
    synchronous: false,
    writer: "test-1",
    systemIdentifier: null,
    flushEveryMs: 20,
    longestPauseMs: 400,
  };
  let failure: unknown = null;
  const running = receiveWal({ ...own, ...deps }, { ...defaults, ...request }, { signal: stop.signal }).catch(
    (error: unknown) => {
      failure = error;
    },
  );
  const receiver: TestReceiver = {
    get state() {
      if (failure !== null) throw failure;
      return states.at(-1) as WalReceiverState;
    },
    states,
    segments,
    timelines,
    gaps,
    reach: async (lsn) => {
      await waitFor(() => (receiver.state.flushedLsn ?? 0n) >= lsn, {
        what: `WAL up to ${lsn.toString(16)} to be durable`,
        timeoutMs: 40_000,
      }).catch((cause: unknown) => {
        throw new AppError("internal", { message: `not durable: ${describe(states.at(-1))}`, cause });
      });
    },
    streams: async () => {
      await waitFor(() => receiver.state.state === "streaming", { what: "the receiver to stream" });
    },
    stop: async () => {
      stop.abort();
      await receiver.ends();
    },
    ends: async () => {
      await running;
      if (failure !== null) throw failure;
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
    },
  };
  return receiver;
}

function describe(state: WalReceiverState | undefined): string {
  return JSON.stringify(state, (_, value) => (typeof value === "bigint" ? value.toString(16) : value));
}

const ignore = (): void => undefined;
/** The tests look at states. */
const quietLogger = { debug: ignore, info: ignore, warn: ignore, error: ignore } as unknown as Logger;
