import { setTimeout as delay } from "node:timers/promises";
import { AppError, describeError } from "@tidemark/kit";
import type { HeldLease, Server } from "@tidemark/metadata";
import { readWalPosition, SqlSession } from "@tidemark/postgres";
import { serverConnection } from "../open-server.ts";
import type { WorkerDeps } from "../worker-deps.ts";
import { WrittenSamples } from "./written-samples.ts";

export interface PushWatch {
  stop(): Promise<void>;
}

type WatchDeps = Pick<WorkerDeps, "metadata" | "key" | "clock" | "logger" | "workerId">;

/**
 * Asks servers that push their WAL by themselves how far they have written, every few seconds, so that it is known what
 * would be lost: nothing else tells us before they push. Only those to which a connection is known. One worker does it (a
 * lease); another one goes on when it dies.
 */
export function startPushWatch(deps: WatchDeps): PushWatch {
  const watch = new Watch(deps);
  const stopping = new AbortController();
  const { signal } = stopping;
  const watching = (async () => {
    while (!signal.aborted) {
      await watch.pass(signal).catch((error: unknown) => {
        if (!signal.aborted) deps.logger.debug({ err: error }, "servers that push could not be asked");
      });
      await delay(askEveryMs, undefined, { signal }).catch(() => undefined);
    }
    await watch.end();
  })();
  return {
    stop() {
      stopping.abort(new AppError("interrupted", { message: "the worker was stopped" }));
      return watching;
    },
  };
}

class Watch {
  readonly #deps: WatchDeps;
  readonly #samples = new Map<string, WrittenSamples>();
  #lease: HeldLease | null = null;

  constructor(deps: WatchDeps) {
    this.#deps = deps;
  }

  async pass(signal: AbortSignal): Promise<void> {
    const { metadata } = this.#deps;
    if (!(await this.#isOurs())) return;
    const offline = new Set((await metadata.offline.current()).map(({ serverId }) => serverId));
    const servers = (await metadata.servers.all()).filter(
      ({ id, walMode, connection }) => walMode === "push" && connection !== "" && !offline.has(id),
    );
    for (const id of this.#samples.keys()) if (!servers.some((server) => server.id === id)) this.#samples.delete(id);
    const waiting = servers.values();
    const work = async () => {
      for (const server of waiting)
        await this.#ask(server, AbortSignal.any([signal, AbortSignal.timeout(longestAskMs)]), signal);
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  }

  async end(): Promise<void> {
    const { metadata, logger } = this.#deps;
    if (this.#lease === null) return;
    await metadata.leases
      .release(this.#lease)
      .catch((error: unknown) => logger.debug({ err: error }, "the turn to ask"));
  }

  async #isOurs(): Promise<boolean> {
    const { workerId, metadata } = this.#deps;
    const { leases } = metadata;
    if (this.#lease !== null) this.#lease = await leases.renew(this.#lease, turnTtlMs);
    this.#lease ??= await leases.acquire({ key: "push-positions", workerId, runId: null, ttlMs: turnTtlMs });
    return this.#lease !== null;
  }

  async #ask(server: Server, signal: AbortSignal, stopping: AbortSignal): Promise<void> {
    const { metadata, workerId } = this.#deps;
    const about = { serverId: server.id, workerId };
    try {
      const { serverLsn, askedMs } = await this.#position(server, signal);
      const samples = this.#samples.get(server.id) ?? new WrittenSamples();
      this.#samples.set(server.id, samples);
      samples.add(serverLsn, askedMs);
      const { systemIdentifier } = server;
      const archivedLsn =
        systemIdentifier === null ? null : await metadata.walReceivers.archivedEnd(server.id, systemIdentifier);
      const caughtUpMs = archivedLsn === null ? null : samples.caughtUpAt(archivedLsn);
      const caughtUpAgoMs = caughtUpMs === null ? null : this.#deps.clock.monotonicMs() - caughtUpMs;
      const position = { serverLsn, archivedLsn, caughtUpAgoMs };
      await metadata.walReceivers.reportPushed({ ...about, position, error: null });
    } catch (error) {
      stopping.throwIfAborted();
      const { code, message } = describeError(signal.aborted ? tooSlow(server) : error);
      await metadata.walReceivers.reportPushed({ ...about, position: null, error: { code, message } });
    }
  }

  async #position(server: Server, signal: AbortSignal): Promise<{ serverLsn: bigint; askedMs: number }> {
    const { clock, logger } = this.#deps;
    const session = await SqlSession.connect(await serverConnection(this.#deps, server.id), { signal, logger });
    try {
      // Before it is asked: what it says may hold more than it had then, never less.
      const askedMs = clock.monotonicMs();
      const position = await readWalPosition(session);
      if (position !== null) return { serverLsn: position.lsn, askedMs };
    } finally {
      await session.close();
    }
    throw new AppError("server-starting", { message: `${server.name} is a standby that has replayed nothing yet` });
  }
}

function tooSlow(server: Server): AppError {
  return new AppError("connection-timeout", {
    message: `${server.name} did not answer within ${longestAskMs / 1_000} s`,
    hint: "it may be overloaded, or the network to it stalls",
  });
}

/** A login and one question each. */
const askEveryMs = 10_000;
const longestAskMs = 15_000;
/** Some dead ones keep nobody waiting for long. */
const atOnce = 4;
/** More than a pass in which several do not answer. */
const turnTtlMs = 60_000;
