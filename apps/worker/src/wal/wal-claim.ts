import { AppError, type Clock } from "@tidemark/kit";
import type { HeldLease, Metadata } from "@tidemark/metadata";

/**
 * How long a claim lives without renewal. A dead worker's servers are free after this, and taken at the next look:
 * six seconds and one, so that takeover with its connection stays within ten.
 */
export const claimTtlMs = 6_000;

/**
 * The right to receive one server's WAL. What it guards is who may *take* the server's slot, not what is stored: the slot
 * admits one sender at a time, each receiver writes under names with its own fence, only what is durable is reported,
 * and a successor begins where all of that ends. So a worker that cannot reach the metadata goes on receiving, also
 * past its claim's end: if nobody else can reach it either, nothing is lost by it; if somebody took over, that one has
 * ended our session, and we leave its session alone until we know. One that was paused and comes back finds its socket
 * closed, stores at most true bytes once more, and has its reports dropped by their fence.
 */
export interface WalClaim {
  readonly serverId: string;
  readonly workerId: string;
  readonly fence: bigint;
  /** Part of the names of pieces: fence first, so that names of successors differ whoever they are. */
  readonly writer: string;
  /** Before each try to reach the server: see `ReceiveWalDeps.confirmClaim`. Throws `lease-lost`. */
  confirm(): Promise<"ours" | "unknown">;
}

export interface HeldClaim extends WalClaim {
  readonly lease: HeldLease;
  /** It was renewed by a question sent then, by the worker's monotonic clock. */
  renewed(askedMs: number): void;
  /** Somebody else has it: `confirm` throws from now on. */
  lost(): void;
}

interface ClaimDeps {
  readonly metadata: Pick<Metadata, "walClaims">;
  readonly workerId: string;
  readonly clock: Clock;
}

export function holdClaim(deps: ClaimDeps, serverId: string, lease: HeldLease, askedMs: number): HeldClaim {
  let sureUntilMs = askedMs + claimTtlMs;
  let isLost = false;
  const renewNow = async () => {
    const nowMs = deps.clock.monotonicMs();
    const [renewed] = await deps.metadata.walClaims.renewAll([lease], claimTtlMs);
    if (renewed === undefined) isLost = true;
    else sureUntilMs = nowMs + claimTtlMs;
  };
  return {
    serverId,
    workerId: deps.workerId,
    lease,
    fence: lease.fence,
    writer: `f${lease.fence}-${deps.workerId.slice(-12)}`,
    renewed: (ms) => {
      sureUntilMs = Math.max(sureUntilMs, ms + claimTtlMs);
    },
    lost: () => {
      isLost = true;
    },
    async confirm() {
      // A margin for the session that is ended after this: it must be ended within our time.
      if (!isLost && deps.clock.monotonicMs() > sureUntilMs - confirmMarginMs) {
        await withinMs(renewNow(), confirmWithinMs).catch(() => undefined);
      }
      if (isLost) throw claimLost(serverId, lease);
      return deps.clock.monotonicMs() <= sureUntilMs - confirmMarginMs ? "ours" : "unknown";
    },
  };
}

function claimLost(serverId: string, { fence }: Pick<HeldLease, "fence">): AppError {
  return new AppError("lease-lost", {
    message: `another worker receives the WAL of ${serverId} now`,
    hint: "nothing is lost: it goes on where this one had stored",
    context: { serverId, fence },
  });
}

/** Gives up waiting, not the act. */
async function withinMs(act: Promise<void>, ms: number): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new AppError("metadata-unreachable", { message: "it did not answer" })), ms);
  try {
    await Promise.race([act, promise]);
  } finally {
    clearTimeout(timer);
    act.catch(() => undefined);
  }
}

const confirmMarginMs = 1_000;
const confirmWithinMs = 2_000;
