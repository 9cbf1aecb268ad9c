import { AppError } from "@tidemark/kit";
import { isStoreTrouble } from "@tidemark/storage";
import type {
  ListWal,
  ReadWal,
  WalArchive,
  WalEntry,
  WalPartial,
  WalSegmentDescription,
  WalSegmentPlace,
} from "../wal/wal-archive.ts";
import { GuardedWal } from "./guarded-wal.ts";

export interface FailoverWalOptions {
  /** Told what had to come from the second, and why. */
  readonly onNote?: (name: string, reason: string) => void;
  /** How long the first may take for an answer, as of `failoverArea`. Default 60 s. */
  readonly stallMs?: number;
}

/**
 * An archive read from the first repository and, where that has something not, damaged, or cannot be asked, from the second.
 * "Not there" is only said when both say so: where one could not be asked, that is the answer. Nothing is written through it.
 */
export function failoverWal(first: WalArchive, second: WalArchive, options: FailoverWalOptions = {}): WalArchive {
  const guarded = new GuardedWal(first, options.stallMs ?? 60_000);
  const reader = new FailoverWal(guarded, second, options.onNote ?? (() => undefined));
  const refuse = (name: string) => async (): Promise<never> => {
    throw new AppError("repository-read-only", {
      message: `${name} is not for an archive that falls over to a second repository`,
    });
  };
  return {
    systemIdentifier: first.systemIdentifier,
    list: (asked) => reader.list(asked ?? {}),
    timelines: () => reader.timelines(),
    describe: (name) => reader.describe(name),
    read: (name, asked) => reader.read(name, asked ?? {}),
    has: (name) => reader.has(name),
    partial: (timeline) => reader.partial((archive) => archive.partial(timeline), `timeline ${timeline}`),
    partialOf: (place: WalSegmentPlace) => reader.partial((archive) => archive.partialOf(place), `${place.startLsn}`),
    // A copy has no pieces.
    contradiction: (place) => first.contradiction(place),
    settle: refuse("settle"),
    beginSegment: refuse("beginSegment"),
    putSegment: refuse("putSegment"),
    putHistory: refuse("putHistory"),
    putFile: refuse("putFile"),
    removeSegments: refuse("removeSegments"),
    removeTimeline: refuse("removeTimeline"),
  };
}

type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

class FailoverWal {
  readonly #first: GuardedWal;
  readonly #second: WalArchive;
  readonly #onNote: (name: string, reason: string) => void;

  constructor(first: GuardedWal, second: WalArchive, onNote: (name: string, reason: string) => void) {
    this.#first = first;
    this.#second = second;
    this.#onNote = onNote;
  }

  async *read(name: string, options: ReadWal): AsyncGenerator<Uint8Array> {
    let delivered = 0;
    try {
      const blocks = this.#first.each(options.signal, (archive, signal) => archive.read(name, { ...options, signal }));
      for await (const bytes of blocks) {
        delivered += bytes.length;
        yield bytes;
      }
      return;
    } catch (error) {
      if (!fallsOver(error)) throw error;
      this.#note(name, error);
      yield* this.#rest(name, options, delivered, error);
    }
  }

  /** Blocks were checked before they were given out, so the second goes on where the first broke. */
  async *#rest(name: string, options: ReadWal, delivered: number, first: unknown): AsyncGenerator<Uint8Array> {
    let toSkip = delivered;
    try {
      for await (const bytes of this.#second.read(name, options)) {
        const skipped = Math.min(toSkip, bytes.length);
        toSkip -= skipped;
        if (skipped < bytes.length) yield bytes.subarray(skipped);
      }
    } catch (error) {
      throw moreTelling(first, error);
    }
  }

  async describe(name: string): Promise<WalSegmentDescription | null> {
    return this.#either(
      name,
      (archive) => archive.describe(name),
      (found) => found !== null,
      null,
    );
  }

  async has(name: string): Promise<boolean> {
    return this.#either(
      name,
      (archive) => archive.has(name),
      (found) => found,
      false,
    );
  }

  async timelines(): Promise<readonly number[]> {
    const both = await this.#bothAsked("the timelines", (archive) => archive.timelines());
    return [...new Set(both.flat())].sort((a, b) => a - b);
  }

  /** Held in memory, since the two are put into one order. */
  async *list(options: ListWal): AsyncGenerator<WalEntry> {
    for (const timeline of options.timeline === undefined ? await this.timelines() : [options.timeline]) {
      const found = new Map<string, WalEntry>();
      const asked = { ...options, timeline };
      const ofFirst = () => gather(this.#first.each(options.signal, (one, signal) => one.list({ ...asked, signal })));
      const lists = await this.#both("the list", ofFirst, () => gather(this.#second.list(asked)));
      for (const entry of lists.flat()) if (!found.has(entry.name)) found.set(entry.name, entry);
      yield* [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    }
  }

  /** The one that reaches further. */
  async partial(ask: (archive: WalArchive) => Promise<WalPartial | null>, what: string): Promise<WalPartial | null> {
    const found = (await this.#bothAsked(what, ask)).filter((partial) => partial !== null);
    return found.reduce<WalPartial | null>(
      (best, partial) => (best === null || partial.endLsn > best.endLsn ? partial : best),
      null,
    );
  }

  async #either<T>(
    name: string,
    ask: (archive: WalArchive) => Promise<T>,
    isThere: (value: T) => boolean,
    nothing: T,
  ): Promise<T> {
    const first = await answerOf(this.#first.ask(ask));
    if (first.ok && isThere(first.value)) return first.value;
    const second = await answerOf(ask(this.#second));
    if (second.ok && isThere(second.value)) {
      this.#note(name, first.ok ? new Error("it is not in the first repository") : first.error);
      return second.value;
    }
    if (!first.ok) throw first.error;
    if (!second.ok) throw second.error;
    return nothing;
  }

  /** What the two say; where one is away, what the other does. */
  async #both<T>(what: string, askFirst: () => Promise<T>, askSecond: () => Promise<T>): Promise<readonly T[]> {
    const answers = [await answerOf(askFirst()), await answerOf(askSecond())];
    const [first, second] = answers;
    if (first !== undefined && !first.ok) {
      if (second === undefined || !second.ok) throw first.error;
      this.#note(what, first.error);
    }
    return answers.flatMap((answer) => (answer.ok ? [answer.value] : []));
  }

  #bothAsked<T>(what: string, ask: (archive: WalArchive) => Promise<T>): Promise<readonly T[]> {
    return this.#both(
      what,
      () => this.#first.ask(ask),
      () => ask(this.#second),
    );
  }

  #note(name: string, error: unknown): void {
    this.#onNote(name, error instanceof Error ? error.message : String(error));
  }
}

async function answerOf<T>(asked: Promise<T>): Promise<Answer<T>> {
  try {
    return { ok: true, value: await asked };
  } catch (error) {
    if (!fallsOver(error)) throw error;
    return { ok: false, error };
  }
}

function fallsOver(error: unknown): boolean {
  if (isStoreTrouble(error)) return true;
  return error instanceof AppError && (error.code === "wal-missing" || error.code === "wal-damaged");
}

/** "Could not ask" and "damaged" outweigh "not there": recovery takes that for the end of the WAL. */
function moreTelling(first: unknown, second: unknown): unknown {
  const isMissing = (error: unknown): boolean => error instanceof AppError && error.code === "wal-missing";
  const telling = isMissing(first) ? second : first;
  if (!(telling instanceof AppError) || isMissing(telling)) return telling;
  return new AppError(telling.code, {
    message: telling.message,
    context: telling.context,
    cause: new AggregateError([first, second]),
  });
}

async function gather(entries: AsyncIterable<WalEntry>): Promise<WalEntry[]> {
  const all: WalEntry[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}
