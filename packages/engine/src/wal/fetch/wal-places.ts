import { AppError, type Clock } from "@tidemark/kit";
import type { ReadWal, ServerArea, WalPartial, WalSegmentPlace } from "@tidemark/repository";
import type { WalSource } from "../../recovery/recovery-feed.ts";
import type { WalOrigin } from "../wal-origin.ts";

export interface WalPlacesDeps {
  readonly serverId: string;
  /** The cluster that this host's settings are for; null: they do not say. */
  readonly systemIdentifier: bigint | null;
  /** Opens the server's area in each repository, the preferred one first; throws while it cannot. */
  readonly areas: readonly [() => Promise<ServerArea>, ...(() => Promise<ServerArea>)[]];
  readonly clock: Clock;
}

/**
 * The WAL of a server in one repository or in several that hold the same. What one does not have, or cannot give, comes
 * from the next. "Not there" is said only when every one of them said so.
 */
export class WalPlaces {
  readonly #deps: WalPlacesDeps;
  /** Until when a repository that could not be asked is asked last, by its number. */
  readonly #avoidUntilMs = new Map<number, number>();

  constructor(deps: WalPlacesDeps) {
    this.#deps = deps;
  }

  wal(systemIdentifier: bigint): WalSource {
    return {
      read: (name, options) => this.#read(systemIdentifier, name, options),
      partialOf: (place) => this.#partial(systemIdentifier, place),
    };
  }

  /**
   * A recovery may be of an earlier incarnation of this server, before an upgrade, whose WAL is there, too. One of another
   * server must not be told "not there": it would end as if its WAL ended here. Throws `wal-foreign-server`.
   */
  async assertServes(origin: WalOrigin): Promise<void> {
    const { systemIdentifier: expected, serverId } = this.#deps;
    if (origin.systemIdentifier === expected) return;
    const known = new Set<bigint>();
    await this.#each(async (area) => {
      for (const identifier of await area.walIdentifiers()) known.add(identifier);
      return known.has(origin.systemIdentifier) ? true : null;
    });
    if (known.has(origin.systemIdentifier)) return;
    if (expected === null && known.size === 0) return;
    throw new AppError("wal-foreign-server", {
      message: `this data directory is of the cluster ${origin.systemIdentifier}, of which ${serverId} has no WAL here`,
      hint: "restore_command names the settings of another server; correct the path after --config",
      context: { serverId, systemIdentifier: origin.systemIdentifier },
    });
  }

  async *#read(systemIdentifier: bigint, name: string, options: ReadWal = {}): AsyncGenerator<Uint8Array> {
    const troubles: unknown[] = [];
    let given = 0;
    for (const index of this.#order()) {
      try {
        const area = await this.#open(index);
        let toSkip = given;
        for await (const bytes of area.wal(systemIdentifier).read(name, options)) {
          // What a broken one gave already is the same here: a name stands for the same bytes everywhere.
          const rest = bytes.subarray(Math.min(toSkip, bytes.length));
          toSkip -= bytes.length - rest.length;
          given += rest.length;
          if (rest.length > 0) yield rest;
        }
        return;
      } catch (error) {
        options.signal?.throwIfAborted();
        if (isMissing(error)) continue;
        this.#avoid(index);
        troubles.push(error);
      }
    }
    if (troubles.length > 0) throw troubles[0];
    throw new AppError("wal-missing", { message: `${name} is not in the archive`, context: { name } });
  }

  async #partial(systemIdentifier: bigint, place: WalSegmentPlace): Promise<WalPartial | null> {
    const found: WalPartial[] = [];
    await this.#each(async (area) => {
      const partial = await area.wal(systemIdentifier).partialOf(place);
      if (partial !== null) found.push(partial);
      return null;
    });
    // The one that reaches furthest.
    return found.reduce<WalPartial | null>(
      (best, one) => (best === null || one.endLsn > best.endLsn ? one : best),
      null,
    );
  }

  /** Asks one after another until one answers; throws the first trouble when none did and not all were asked. */
  async #each<T>(ask: (area: ServerArea) => Promise<T | null>): Promise<T | null> {
    const troubles: unknown[] = [];
    for (const index of this.#order()) {
      try {
        const answer = await ask(await this.#open(index));
        if (answer !== null) return answer;
      } catch (error) {
        this.#avoid(index);
        troubles.push(error);
      }
    }
    if (troubles.length > 0) throw troubles[0];
    return null;
  }

  async #open(index: number): Promise<ServerArea> {
    return await (this.#deps.areas[index] ?? this.#deps.areas[0])();
  }

  #avoid(index: number): void {
    this.#avoidUntilMs.set(index, this.#deps.clock.monotonicMs() + avoidMs);
  }

  #order(): readonly number[] {
    const nowMs = this.#deps.clock.monotonicMs();
    const isAvoided = (index: number): number => ((this.#avoidUntilMs.get(index) ?? 0) > nowMs ? 1 : 0);
    return [...this.#deps.areas.keys()].sort((a, b) => isAvoided(a) - isAvoided(b) || a - b);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof AppError && error.code === "wal-missing";
}

/** A store that is away is waited for by its driver; not by each segment anew. */
const avoidMs = 30_000;
