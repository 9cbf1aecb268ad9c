import { AppError, type Clock, describeError, type Logger } from "@tidemark/kit";
import type { Metadata, Server } from "@tidemark/metadata";
import type { WalArchive, WalSegmentPlace } from "@tidemark/repository";
import { keepCopyPace } from "./copy-pace.ts";
import { bringMissingWal } from "./copy-wal-run.ts";
import { segmentRow } from "./segment-row.ts";
import type { SharedRepositories } from "./shared-repositories.ts";
import type { WalRecorder } from "./wal-recorder.ts";

interface CopierDeps {
  readonly metadata: Pick<Metadata, "wal">;
  readonly repositories: SharedRepositories;
  readonly recorder: () => WalRecorder;
  readonly clock: Clock;
  readonly logger: Logger;
  /** KiB in a second of servers that name no limit of their own; null: no limit. */
  readonly usualMaxRateKib: number | null;
  /** Names a segment as PostgreSQL does. */
  readonly nameOf: (place: WalSegmentPlace) => string;
}

interface Waiting {
  readonly systemIdentifier: bigint;
  readonly place: WalSegmentPlace;
}

interface Lane {
  server: Server;
  /** Oldest first. */
  readonly waiting: Waiting[];
  /** Timelines are few: their histories are compared as a whole. */
  readonly histories: Set<bigint>;
  /** Everything is to be compared: what an earlier receiver stored may not have been brought. */
  behind: boolean;
  working: boolean;
  retryAtMs: number;
}

/**
 * Brings each segment that a receiver stored to the server's second repository, one after the other and without holding up
 * the receiver. What cannot be brought now is tried again; what is not brought when the worker stops, or finds no room
 * here, is brought by the next copy run, which compares both repositories.
 */
export class WalCopier {
  readonly #deps: CopierDeps;
  readonly #lanes = new Map<string, Lane>();
  readonly #working = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  readonly #stopping = new AbortController();

  constructor(deps: CopierDeps) {
    this.#deps = deps;
    this.#timer = setInterval(() => this.#wake(), wakeEveryMs);
  }

  /** A receiver begins: what the second repository lacks is brought first. */
  begin(server: Server): void {
    if (server.copyToId === null) return;
    this.#laneOf(server).behind = true;
    this.#wake();
  }

  segmentStored(server: Server, systemIdentifier: bigint, place: WalSegmentPlace): void {
    if (server.copyToId === null) return;
    const lane = this.#laneOf(server);
    if (lane.waiting.length < mostWaiting) lane.waiting.push({ systemIdentifier, place });
    else lane.behind = true;
    this.#wake();
  }

  timelineFound(server: Server, systemIdentifier: bigint): void {
    if (server.copyToId === null) return;
    this.#laneOf(server).histories.add(systemIdentifier);
    this.#wake();
  }

  /** Begins nothing new and waits for what is being brought. */
  async stop(): Promise<void> {
    this.#stopping.abort(new AppError("interrupted", { message: "the worker was stopped" }));
    clearInterval(this.#timer);
    await Promise.all(this.#working);
  }

  #laneOf(server: Server): Lane {
    const lane = this.#lanes.get(server.id) ?? newLane(server);
    lane.server = server;
    this.#lanes.set(server.id, lane);
    return lane;
  }

  #wake(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    for (const lane of this.#lanes.values()) {
      const isIdle = !lane.behind && lane.waiting.length === 0 && lane.histories.size === 0;
      if (this.#stopping.signal.aborted || lane.working || isIdle || lane.retryAtMs > nowMs) continue;
      lane.working = true;
      const work = this.#work(lane)
        .catch((error: unknown) => {
          if (this.#stopping.signal.aborted) return;
          lane.retryAtMs = this.#deps.clock.monotonicMs() + retryMs;
          this.#deps.logger.warn(
            { err: error, serverId: lane.server.id },
            "WAL could not be copied; it is tried again",
          );
        })
        .finally(() => {
          lane.working = false;
          this.#working.delete(work);
        });
      this.#working.add(work);
    }
  }

  async #work(lane: Lane): Promise<void> {
    const { server } = lane;
    if (server.copyToId === null) return;
    const first = await this.#deps.repositories.borrowAny(server.repositoryId);
    try {
      const second = await this.#deps.repositories.borrowAny(server.copyToId);
      try {
        const from = (id: bigint) => first.repository.area(server.areaId).wal(id);
        const to = (id: bigint) => second.repository.area(server.areaId).wal(id);
        if (lane.behind) {
          const areas = { source: first.repository.area(server.areaId), target: second.repository.area(server.areaId) };
          const pace = { signal: this.#stopping.signal, maxRateKib: this.#maxRateOf(server) };
          await bringMissingWal(this.#deps, server, areas, pace);
          lane.behind = false;
        }
        for (const id of lane.histories) {
          await copyHistories(from(id), to(id));
          lane.histories.delete(id);
        }
        for (;;) {
          const [next] = lane.waiting;
          if (next === undefined || this.#stopping.signal.aborted) return;
          try {
            await this.#copy(server, next, from(next.systemIdentifier), to(next.systemIdentifier));
          } catch (error) {
            if (!lastingCodes.has(describeError(error).code)) throw error;
            // It would keep all others waiting; the next copy run says so in its result.
            this.#deps.logger.error({ err: error, serverId: server.id }, "a WAL segment cannot be copied");
          }
          lane.waiting.shift();
        }
      } finally {
        second.giveBack();
      }
    } finally {
      first.giveBack();
    }
  }

  #maxRateOf(server: Server): number | null {
    return server.copyMaxRateKib ?? this.#deps.usualMaxRateKib;
  }

  async #copy(server: Server, { systemIdentifier, place }: Waiting, from: WalArchive, to: WalArchive): Promise<void> {
    const name = this.#deps.nameOf(place);
    const described = await from.describe(name);
    // Retention was faster.
    if (described === null) return;
    await to.putSegment(place, from.read(name), described.facts, { writer: "copy" });
    const stored = await to.describe(name);
    if (stored === null) return;
    this.#deps
      .recorder()
      .segment(segmentRow({ server, repositoryId: server.copyToId ?? "", systemIdentifier }, stored));
    await keepCopyPace(stored.storedBytes, this.#maxRateOf(server), this.#stopping.signal);
  }
}

async function copyHistories(from: WalArchive, to: WalArchive): Promise<void> {
  for (const timeline of await from.timelines()) {
    if (timeline === 1) continue;
    const name = `${timeline.toString(16).toUpperCase().padStart(8, "0")}.history`;
    if (!(await from.has(name)) || (await to.has(name))) continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of from.read(name)) chunks.push(chunk.slice());
    await to.putHistory(timeline, Buffer.concat(chunks));
  }
}

function newLane(server: Server): Lane {
  return {
    server,
    waiting: [],
    histories: new Set(),
    behind: false,
    working: false,
    retryAtMs: Number.NEGATIVE_INFINITY,
  };
}

const lastingCodes: ReadonlySet<string> = new Set(["wal-damaged", "wal-conflict", "wal-missing"]);
const wakeEveryMs = 5_000;
const retryMs = 30_000;
/** Some names and numbers each. */
const mostWaiting = 50_000;
