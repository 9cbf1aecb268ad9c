import { stat } from "node:fs/promises";
import { join } from "node:path";
import { AppError, type Clock } from "@tidemark/kit";
import { type RecoveryFeed, startRecoveryFeed, type WalSource } from "../../recovery/recovery-feed.ts";
import { untilAsked } from "../fetch/until-asked.ts";
import type { WalPlaces } from "../fetch/wal-places.ts";
import { identityOf } from "../push/file-identity.ts";
import { requireOrigin, type WalOrigin } from "../wal-origin.ts";

export interface FetchDeskDeps {
  readonly places: WalPlaces;
  readonly spool: string;
  readonly prefetch: number;
  readonly parallel: number;
  readonly retryMs: number;
  /** What is in the feed is good for this from now on; null: for nothing. */
  readonly announce: (lines: readonly string[] | null) => Promise<void>;
  readonly settingsIdentity: string;
  readonly clock: Clock;
}

/** Keeps one recovery of this host fed: the one that asked last. */
export class FetchDesk {
  readonly #deps: FetchDeskDeps;
  #feed: { readonly feed: RecoveryFeed; readonly key: string } | null = null;
  #turn: Promise<void> = Promise.resolve();
  #usedAtMs: number;
  readonly #stopping = new AbortController();

  constructor(deps: FetchDeskDeps) {
    this.#deps = deps;
    this.#usedAtMs = deps.clock.monotonicMs();
  }

  /** Resolves when the recovery of this data directory is fed. One at a time. */
  serve(dataDirectory: string, partial: boolean): Promise<void> {
    const turn = this.#turn.then(() => this.#serve(dataDirectory, partial));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** How long ago a recovery last asked, in ms. */
  get unusedMs(): number {
    return this.#deps.clock.monotonicMs() - this.#usedAtMs;
  }

  /** Ends for good. */
  async close(): Promise<void> {
    this.#stopping.abort(new AppError("agent-unreachable", { message: "the agent was stopped" }));
    await this.stop();
  }

  /** Ends the feed; the next question begins one anew. */
  async stop(): Promise<void> {
    await this.#turn;
    if (this.#feed === null) return;
    await this.#deps.announce(null);
    const { feed } = this.#feed;
    this.#feed = null;
    await feed.stop();
  }

  async #serve(dataDirectory: string, partial: boolean): Promise<void> {
    const origin = await requireOrigin(dataDirectory);
    this.#usedAtMs = this.#deps.clock.monotonicMs();
    const { places, retryMs, clock } = this.#deps;
    await untilAsked(() => places.assertServes(origin), { retryMs, clock, signal: this.#stopping.signal });
    const key = [origin.systemIdentifier, origin.segmentSizeBytes, partial].join(" ");
    if (this.#feed?.key !== key) {
      await this.#deps.announce(null);
      await this.#feed?.feed.stop();
      this.#feed = null;
      this.#feed = { key, feed: await this.#start(places.wal(origin.systemIdentifier), origin, partial) };
    }
    const directory = await identityOf(join(dataDirectory, "PG_VERSION"));
    const way = (await areTogether(this.#deps.spool, join(dataDirectory, "pg_wal"))) ? "rename" : "copy";
    await this.#deps.announce([directory, this.#deps.settingsIdentity, partial ? "partial" : "whole", way]);
  }

  async #start(archive: WalSource, { segmentSizeBytes }: WalOrigin, partial: boolean): Promise<RecoveryFeed> {
    const { spool, prefetch, parallel, retryMs, clock } = this.#deps;
    const onProgress = (): void => {
      this.#usedAtMs = clock.monotonicMs();
    };
    return await startRecoveryFeed({
      archive,
      spool,
      segmentSizeBytes,
      prefetch,
      parallel,
      partial,
      retryMs,
      onProgress,
    });
  }
}

/** Whether what is moved from the one to the other is renamed, not copied. A folder that is not there is with none. */
async function areTogether(one: string, other: string): Promise<boolean> {
  const [left, right] = await Promise.allSettled([stat(one), stat(other)]);
  return left.status === "fulfilled" && right.status === "fulfilled" && left.value.dev === right.value.dev;
}
