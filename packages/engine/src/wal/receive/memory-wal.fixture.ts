import { AppError } from "@tidemark/kit";
import { type Lsn, walSegmentName } from "@tidemark/postgres";
import type { WalArchive, WalEntry, WalPartial, WalSegmentPlace, WalSegmentWriter } from "@tidemark/repository";

/** For tests of what receives: an archive in memory with the parts a receiver uses, and faults. */
export class MemoryWal {
  readonly segments = new Map<string, { readonly place: WalSegmentPlace; readonly bytes: Uint8Array }>();
  readonly parts = new Map<string, { readonly place: WalSegmentPlace; bytes: Uint8Array; ended: boolean }>();
  readonly histories = new Map<number, Uint8Array>();
  /** Writers that were begun and neither finished nor abandoned. */
  openWriters = 0;
  /** How much a writer has room for at once. */
  takesAtOnce = 0;
  /** Called before each act; may throw or wait. */
  onAct: (act: "begin" | "write" | "written" | "flush" | "finish", place: WalSegmentPlace) => void | Promise<void> =
    () => undefined;
  readonly systemIdentifier: bigint;

  constructor(systemIdentifier: bigint) {
    this.systemIdentifier = systemIdentifier;
  }

  get archive(): WalArchive {
    return {
      systemIdentifier: this.systemIdentifier,
      beginSegment: async (place) => {
        await this.onAct("begin", place);
        return this.#writer(place);
      },
      list: ({ timeline } = {}) => this.#list(timeline),
      settle: async () => undefined,
      partial: async (timeline) => this.#partial(timeline),
      read: (name) => this.#read(name),
      putHistory: async (timeline, content) => {
        this.histories.set(timeline, Uint8Array.from(content));
        return "stored";
      },
      describe: async (name) => {
        const found = this.segments.get(name);
        if (found === undefined) return null;
        return { place: found.place, storedBytes: found.bytes.length, plainHash: new Uint8Array(32), facts: null };
      },
    } as Pick<
      WalArchive,
      "systemIdentifier" | "beginSegment" | "list" | "partial" | "putHistory" | "describe" | "read" | "settle"
    > as WalArchive;
  }

  #writer(place: WalSegmentPlace): WalSegmentWriter {
    const name = nameOf(place);
    let isOpen = true;
    this.openWriters++;
    const end = (): void => {
      if (isOpen) this.openWriters--;
      isOpen = false;
    };
    const bytes = new Uint8Array(place.sizeBytes);
    let length = 0;
    let flushed = 0;
    const keep = (ended: boolean): void => {
      const before = this.parts.get(name);
      if (before === undefined || before.bytes.length <= length)
        this.parts.set(name, { place, bytes: bytes.slice(0, length), ended });
    };
    return {
      place,
      get endLsn() {
        return place.startLsn + BigInt(length);
      },
      get flushedLsn() {
        return place.startLsn + BigInt(flushed);
      },
      writeNow: (part) => {
        const taken = part.subarray(0, this.takesAtOnce);
        bytes.set(taken, length);
        length += taken.length;
        return taken.length;
      },
      whenRoom: () => null,
      write: async (part) => {
        await this.onAct("write", place);
        bytes.set(part, length);
        length += part.length;
        await this.onAct("written", place);
      },
      flush: async () => {
        const upTo = length;
        await this.onAct("flush", place);
        keep(false);
        flushed = upTo;
        return place.startLsn + BigInt(upTo);
      },
      finish: async () => {
        await this.onAct("finish", place);
        if (length !== place.sizeBytes) throw new AppError("internal", { message: `${name} has ${length} bytes` });
        const before = this.segments.get(name);
        this.parts.delete(name);
        end();
        if (before === undefined) this.segments.set(name, { place, bytes });
        else if (Buffer.compare(before.bytes, bytes) !== 0) throw new AppError("wal-conflict", { message: name });
        return before === undefined ? "stored" : "same";
      },
      finishPartial: async () => {
        keep(true);
        end();
      },
      abandon: async () => end(),
    };
  }

  async *#read(name: string): AsyncGenerator<Uint8Array> {
    const found = this.segments.get(name);
    if (found === undefined) throw new AppError("wal-missing", { message: name });
    yield found.bytes;
  }

  async *#list(timeline: number | undefined): AsyncGenerator<WalEntry> {
    for (const [name, { place, bytes }] of [...this.segments].sort()) {
      if (timeline !== undefined && place.timeline !== timeline) continue;
      const { startLsn } = place;
      yield {
        kind: "segment",
        timeline: place.timeline,
        name,
        startLsn,
        sizeBytes: bytes.length,
        modifiedAt: new Date(0),
      };
    }
  }

  #partial(timeline: number): WalPartial | null {
    const [, newest] =
      [...this.parts]
        .filter(([, { place }]) => place.timeline === timeline)
        .sort()
        .at(-1) ?? [];
    if (newest === undefined) return null;
    const { place, bytes, ended } = newest;
    const endLsn = place.startLsn + BigInt(bytes.length);
    return {
      place,
      ended,
      endLsn,
      read: async function* () {
        yield bytes;
      },
    };
  }
}

function nameOf({ timeline, startLsn, sizeBytes }: WalSegmentPlace): string {
  return walSegmentName(timeline, startLsn as Lsn, sizeBytes);
}
