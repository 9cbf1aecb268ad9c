import { AppError } from "@tidemark/kit";
import type { RepositoryContext } from "../repository-context.ts";
import type {
  BeginSegment,
  ListWal,
  PutSegmentOptions,
  RemoveWal,
  WalArchive,
  WalEntry,
  WalPartial,
  WalRemoval,
  WalSegmentDescription,
  WalSegmentFacts,
  WalSegmentPlace,
  WalSegmentWriter,
} from "./wal-archive.ts";

/** System identifiers that have an area of WAL below this server, ascending. */
export async function walIdentifiers(context: RepositoryContext, serverId: string): Promise<readonly bigint[]> {
  const names = await context.store.listPrefixes(`${serverId}/`);
  const found = names.filter((name) => /^\d{1,20}$/.test(name)).map(BigInt);
  return found.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

export class OpenedWalArchive implements WalArchive {
  readonly systemIdentifier: bigint;
  readonly #context: RepositoryContext;
  readonly #serverId: string;

  constructor(context: RepositoryContext, serverId: string, systemIdentifier: bigint) {
    this.#context = context;
    this.#serverId = serverId;
    this.systemIdentifier = systemIdentifier;
  }

  async beginSegment(_place: WalSegmentPlace, _options: BeginSegment): Promise<WalSegmentWriter> {
    throw this.#missing();
  }

  async putSegment(
    _place: WalSegmentPlace,
    _body: AsyncIterable<Uint8Array>,
    _facts: WalSegmentFacts | null,
    _options?: PutSegmentOptions,
  ): Promise<"stored" | "same"> {
    throw this.#missing();
  }

  async putHistory(_timeline: number, _content: Uint8Array): Promise<"stored" | "same"> {
    throw this.#missing();
  }

  async putFile(_name: string, _content: Uint8Array): Promise<"stored" | "same"> {
    throw this.#missing();
  }

  // biome-ignore lint/correctness/useYield: the shape first
  async *list(_options?: ListWal): AsyncGenerator<WalEntry> {
    throw this.#missing();
  }

  async timelines(): Promise<readonly number[]> {
    throw this.#missing();
  }

  async describe(_name: string): Promise<WalSegmentDescription | null> {
    throw this.#missing();
  }

  // biome-ignore lint/correctness/useYield: the shape first
  async *read(_name: string): AsyncGenerator<Uint8Array> {
    throw this.#missing();
  }

  async has(_name: string): Promise<boolean> {
    throw this.#missing();
  }

  async partial(_timeline: number): Promise<WalPartial | null> {
    throw this.#missing();
  }

  async partialOf(_place: WalSegmentPlace): Promise<WalPartial | null> {
    throw this.#missing();
  }

  async removeSegments(_places: readonly WalSegmentPlace[], _options?: RemoveWal): Promise<WalRemoval> {
    throw this.#missing();
  }

  async removeTimeline(_timeline: number, _options?: RemoveWal): Promise<WalRemoval> {
    throw this.#missing();
  }

  #missing(): AppError {
    return new AppError("internal", {
      message: `the WAL of ${this.#serverId} in ${this.#context.store.location} cannot be used yet`,
    });
  }
}
