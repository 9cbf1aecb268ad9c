import { setTimeout as delay } from "node:timers/promises";
import { type ReceiveWalDeps, type ReceiveWalRequest, receiveWal, type WalReceiverState } from "@tidemark/engine";
import { AppError, describeError, type ErrorCode } from "@tidemark/kit";
import { type Server, type WalCandidate, walSlotOf } from "@tidemark/metadata";
import type { WalSegmentPlace } from "@tidemark/repository";
import { requireServer, serverConnection } from "../open-server.ts";
import type { WorkerDeps } from "../worker-deps.ts";
import { noteGap } from "./note-gap.ts";
import type { SharedRepositories } from "./shared-repositories.ts";
import { timelineRowOf } from "./timeline-row.ts";
import type { WalClaim } from "./wal-claim.ts";
import type { WalCopier } from "./wal-copier.ts";
import type { WalRecorder } from "./wal-recorder.ts";

export interface ReceiverDeps extends Pick<WorkerDeps, "metadata" | "queues" | "key" | "clock" | "logger"> {
  readonly repositories: SharedRepositories;
  readonly recorder: WalRecorder;
  readonly copier: WalCopier;
}

export interface RunningReceiver {
  /** Resolves when it is over: stopped, or its claim is lost. Never rejects. */
  readonly over: Promise<void>;
  /** Makes durable what was received, reports it to the server, and ends. */
  stop(): Promise<void>;
}

/**
 * Receives a claimed server's WAL until it is stopped or the claim is lost. What keeps it from beginning (the repository
 * is away, the connection cannot be opened) is its state, and it is tried again for ever.
 */
export function startReceiver(deps: ReceiverDeps, claim: WalClaim, candidate: WalCandidate): RunningReceiver {
  const stopping = new AbortController();
  const over = receiveForEver(deps, claim, candidate, stopping.signal).catch((error: unknown) => {
    deps.logger.error({ err: error, serverId: claim.serverId }, "a WAL receiver ended by itself");
  });
  return {
    over,
    stop() {
      stopping.abort();
      return over;
    },
  };
}

async function receiveForEver(
  deps: ReceiverDeps,
  claim: WalClaim,
  candidate: WalCandidate,
  signal: AbortSignal,
): Promise<void> {
  let pauseMs = firstPauseMs;
  while (!signal.aborted) {
    const beganMs = deps.clock.monotonicMs();
    try {
      await receiveOnce(deps, claim, candidate, signal);
      return;
    } catch (error) {
      if (error instanceof AppError && error.code === "lease-lost") return;
      if (signal.aborted) return;
      const { code, message, hint } = describeError(error);
      deps.logger.warn({ err: error, serverId: claim.serverId }, "the WAL of a server cannot be received now");
      deps.recorder.state(claim, waitingState({ code, message, hint }));
      if (deps.clock.monotonicMs() - beganMs > longestPauseMs) pauseMs = firstPauseMs;
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
      pauseMs = Math.min(longestPauseMs, pauseMs * 2);
    }
  }
}

async function receiveOnce(
  deps: ReceiverDeps,
  claim: WalClaim,
  candidate: WalCandidate,
  signal: AbortSignal,
): Promise<void> {
  const server = await requireServer(deps, claim.serverId);
  const connection = await serverConnection(deps, server.id);
  const { repository, giveBack } = await deps.repositories.borrow(server.repositoryId, candidate.repositorySettings);
  try {
    const row = await deps.metadata.repositories.get(server.repositoryId);
    const known = server.walSystemIdentifier ?? server.systemIdentifier;
    const request: ReceiveWalRequest = {
      connection,
      slotName: walSlotOf(server),
      synchronous: server.synchronous,
      writer: claim.writer,
      systemIdentifier: known === null ? null : BigInt(known),
      allowOtherSystem: server.walSystemIdentifier !== null,
      ...(row?.url.startsWith("file:") === true ? {} : { flushEveryMs: objectStoreFlushMs }),
    };
    deps.copier.begin(server);
    await receiveWal(receiveDeps(deps, claim, server, repository.area(server.areaId)), request, { signal });
  } finally {
    giveBack();
  }
}

function receiveDeps(
  deps: ReceiverDeps,
  claim: WalClaim,
  server: Server,
  area: ReceiveWalDeps["area"],
): ReceiveWalDeps {
  const { recorder, clock, logger, metadata, copier } = deps;
  return {
    area,
    clock,
    logger: logger.child({ serverId: server.id }),
    onState: (state) => recorder.state(claim, state),
    onSegment: async ({ systemIdentifier, place, facts, storedBytes, source }) => {
      recorder.segment({
        serverId: server.id,
        repositoryId: server.repositoryId,
        systemIdentifier: String(systemIdentifier),
        ...pick(place),
        storedBytes: BigInt(storedBytes ?? place.sizeBytes),
        firstCommit: facts?.firstCommit ?? null,
        lastCommit: facts?.lastCommit ?? null,
        commitCount: facts?.commitCount ?? null,
        restorePoints: facts?.restorePoints ?? [],
        lastRecordEnd: facts?.lastRecordEnd ?? null,
        source,
      });
      copier.segmentStored(server, systemIdentifier, place);
    },
    onTimeline: async (found) => {
      const row = timelineRowOf(server.id, found);
      if (row !== null) recorder.fact("timeline", () => metadata.wal.recordTimeline(row));
      copier.timelineFound(server, found.systemIdentifier);
    },
    onGap: async (gap) => recorder.fact("gap", () => noteGap(deps, server.id, gap)),
    confirmClaim: () => claim.confirm(),
  };
}

function pick({ timeline, startLsn, sizeBytes }: WalSegmentPlace) {
  return { timeline, startLsn, sizeBytes };
}

/** Of a receiver that could not even begin: what an earlier one knew stays in the row. */
function waitingState(error: {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
}): WalReceiverState {
  return {
    state: "waiting",
    systemIdentifier: null,
    timeline: null,
    receivedLsn: null,
    flushedLsn: null,
    serverLsn: null,
    lastCommit: null,
    lastMessageAt: null,
    reconnects: 0,
    error,
  };
}

const firstPauseMs = 500;
const longestPauseMs = 10_000;
/** Each flush is a request there; a synchronous commit is never kept waiting by it. */
const objectStoreFlushMs = 5_000;
