import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "@tidemark/kit";
import { type WalBoard, type WalCandidate, walLeaseKey } from "@tidemark/metadata";
import { type Lsn, walSegmentName } from "@tidemark/postgres";
import type { WorkerDeps } from "../worker-deps.ts";
import { divideServers } from "./divide-servers.ts";
import { type RunningReceiver, startReceiver } from "./receive-server.ts";
import { SharedRepositories } from "./shared-repositories.ts";
import { startSlotWatch } from "./slot-watch.ts";
import { claimTtlMs, type HeldClaim, holdClaim } from "./wal-claim.ts";
import { WalCopier } from "./wal-copier.ts";
import { WalMirror } from "./wal-mirror.ts";
import { WalRecorder } from "./wal-recorder.ts";

export interface WalSupervisor {
  /** Makes durable and reports what was received, ends every receiver, and gives the servers back. */
  stop(): Promise<void>;
}

interface Claimed {
  readonly claim: HeldClaim;
  readonly candidate: WalCandidate;
  receiver: RunningReceiver;
  readonly slotWatch: { stop(): Promise<void> };
  /** It is being ended, to be given back or begun anew. */
  ending: Promise<void> | null;
}

/**
 * Claims servers whose WAL is to be streamed, and keeps a receiver for each: states of a server here are unclaimed →
 * claimed (a lease, renewed every second) → ending → unclaimed. A server leaves when it is removed, set offline or to
 * another mode, when another worker took it over, and when this one has too many. What waits for the metadata here is only
 * the claiming: receivers go on without it (wal-claim.ts).
 */
export function startWalSupervisor(deps: WorkerDeps): WalSupervisor {
  if (deps.settings.walReceivers === 0) return { stop: async () => undefined };
  const supervisor = new Supervisor(deps);
  return { stop: () => supervisor.stop() };
}

class Supervisor {
  readonly #deps: WorkerDeps;
  readonly #repositories: SharedRepositories;
  readonly #mirror: WalMirror;
  readonly #recorder: WalRecorder;
  readonly #copier: WalCopier;
  readonly #claimed = new Map<string, Claimed>();
  /** Nobody's at the last look. */
  #waiting: ReadonlySet<string> = new Set();
  /** Given back, and until when they are for others (monotonic). */
  readonly #cooling = new Map<string, number>();
  readonly #stopping = new AbortController();
  readonly #loop: Promise<void>;
  #isAway = false;

  constructor(deps: WorkerDeps) {
    this.#deps = deps;
    const { metadata, clock, logger } = deps;
    this.#repositories = new SharedRepositories(deps);
    this.#mirror = new WalMirror({ ...deps, repositories: this.#repositories });
    this.#recorder = new WalRecorder({
      metadata,
      clock,
      logger,
      onMissed: (serverId) => this.#mirror.request(serverId),
    });
    this.#copier = new WalCopier({
      metadata,
      clock,
      logger,
      usualMaxRateKib: deps.settings.copyMaxRateKib,
      repositories: this.#repositories,
      recorder: () => this.#recorder,
      nameOf: (place) => walSegmentName(place.timeline, place.startLsn as Lsn, place.sizeBytes),
    });
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await Promise.all([...this.#claimed.values()].map((one) => this.#end(one)));
    await this.#copier.stop();
    await this.#mirror.stop();
    await this.#recorder.stop();
    await this.#repositories.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#renew();
        await this.#look();
        this.#isAway = false;
      } catch (error) {
        // Once for a whole outage.
        if (!this.#isAway)
          this.#deps.logger.warn({ err: error }, "servers cannot be claimed now; what is received goes on");
        this.#isAway = error instanceof AppError && error.code === "metadata-unreachable";
      }
      await delay(lookEveryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #renew(): Promise<void> {
    const held = [...this.#claimed.values()];
    const askedMs = this.#deps.clock.monotonicMs();
    const renewed = await this.#deps.metadata.walClaims.renewAll(
      held.map(({ claim }) => claim.lease),
      claimTtlMs,
    );
    const keys = new Set(renewed.map(({ key }) => key));
    for (const one of held) {
      if (keys.has(one.claim.lease.key)) one.claim.renewed(askedMs);
      else if (this.#claimed.get(one.claim.serverId) === one) this.#lose(one);
    }
  }

  /** Another worker has it: nothing of ours may be said any more, and what is durable is its beginning. */
  #lose(one: Claimed): void {
    const { serverId } = one.claim;
    this.#deps.logger.warn({ serverId }, "another worker receives this server's WAL now");
    one.claim.lost();
    this.#claimed.delete(serverId);
    one.ending ??= this.#stopParts(one);
  }

  async #look(): Promise<void> {
    const board = await this.#deps.metadata.walClaims.board();
    const nowMs = this.#deps.clock.monotonicMs();
    for (const [serverId, untilMs] of this.#cooling) if (untilMs <= nowMs) this.#cooling.delete(serverId);
    this.#followChanges(board);
    const held = new Set(this.#claimed.keys());
    const { workerId } = this.#deps;
    const cooling = new Set(this.#cooling.keys());
    const { claim, giveBack } = divideServers({ board, workerId, held, waiting: this.#waiting, cooling });
    this.#waiting = new Set(board.candidates.filter((one) => one.workerId === null).map((one) => one.serverId));
    for (const candidate of board.candidates) {
      if (claim.includes(candidate.serverId)) await this.#claim(candidate);
    }
    const given = giveBack === null ? undefined : this.#claimed.get(giveBack);
    if (given !== undefined && given.ending === null) {
      this.#cooling.set(given.claim.serverId, nowMs + coolingMs);
      void this.#end(given);
    }
  }

  /** Ends what is not to be received any more, and what is to be received in another way: the next look claims it again. */
  #followChanges(board: WalBoard): void {
    const wanted = new Map(board.candidates.map((one) => [one.serverId, one]));
    for (const one of this.#claimed.values()) {
      if (one.ending !== null) continue;
      const now = wanted.get(one.claim.serverId);
      const isSame =
        now?.version === one.candidate.version && now.repositorySettings === one.candidate.repositorySettings;
      if (!isSame) void this.#end(one);
    }
  }

  async #claim(candidate: WalCandidate): Promise<void> {
    const { serverId } = candidate;
    const { workerId, clock, metadata, logger } = this.#deps;
    const askedMs = clock.monotonicMs();
    const request = { key: walLeaseKey(serverId), workerId, runId: null, ttlMs: claimTtlMs };
    const lease = await metadata.leases.acquire(request);
    if (lease === null) return;
    const claim = holdClaim(this.#deps, serverId, lease, askedMs);
    logger.info({ serverId, fence: String(lease.fence) }, "this worker receives the server's WAL");
    const parts = {
      ...this.#deps,
      repositories: this.#repositories,
      recorder: this.#recorder,
      copier: this.#copier,
    };
    const one: Claimed = {
      claim,
      candidate,
      receiver: startReceiver(parts, claim, candidate),
      slotWatch: startSlotWatch(this.#deps, serverId),
      ending: null,
    };
    this.#claimed.set(serverId, one);
    this.#mirror.request(serverId);
    void one.receiver.over.then(() => {
      // Its claim is lost, or it failed in a way it cannot go on from: whoever claims it next begins anew.
      if (this.#claimed.get(serverId) === one) void this.#end(one);
    });
  }

  /** Ends the receiver, says so, and frees the server for whoever is next. Never throws. */
  #end(one: Claimed): Promise<void> {
    one.ending ??= (async () => {
      await this.#stopParts(one);
      await this.#deps.metadata.leases
        .release(one.claim.lease)
        .catch((error: unknown) => this.#deps.logger.debug({ err: error }, "a claim was not given back; it expires"));
      if (this.#claimed.get(one.claim.serverId) === one) this.#claimed.delete(one.claim.serverId);
    })();
    return one.ending;
  }

  async #stopParts(one: Claimed): Promise<void> {
    await Promise.all([one.receiver.stop(), one.slotWatch.stop()]);
    await this.#recorder.stopped(one.claim);
  }
}

/** Claims are renewed and servers looked for this often. */
const lookEveryMs = 1_000;
/** A server that was given back is another worker's within its next looks. */
const coolingMs = 5_000;
