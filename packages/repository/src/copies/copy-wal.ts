import { AppError } from "@tidemark/kit";
import type { WalArchive, WalEntry } from "../wal/wal-archive.ts";

export interface CopyWal {
  /** Only these timelines. Default: all. */
  readonly timelines?: readonly number[];
  /** Only segments that begin here or later. */
  readonly from?: bigint;
  /** Segments that are in both: compare their bytes as well, which reads them in the first. Default: their names are enough. */
  readonly compare?: boolean;
  readonly onCopied?: (copied: CopiedWal) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

export interface CopiedWal {
  readonly kind: WalEntry["kind"];
  readonly timeline: number;
  readonly name: string;
  readonly outcome: "stored" | "same";
}

export interface WalCopyReport {
  readonly copiedSegments: number;
  readonly copiedFiles: number;
  /** What was in both places before. */
  readonly alreadyThere: number;
  /** What could not be brought, and why; everything else was. The first repository has it damaged, or the second other bytes. */
  readonly failed: readonly { readonly name: string; readonly code: string; readonly reason: string }[];
}

/**
 * Brings WAL of one archive that another lacks: histories first, then oldest first, each read with all its checks and sealed
 * anew. What was copied stays when it dies, and the next one goes on there. What is still in the making is not copied (it
 * will be, once it is whole); the end of a timeline is.
 */
export async function copyWal(from: WalArchive, to: WalArchive, options: CopyWal = {}): Promise<WalCopyReport> {
  if (from.systemIdentifier !== to.systemIdentifier) {
    throw new AppError("wal-foreign-server", {
      message: `WAL of system ${from.systemIdentifier} is not copied to that of ${to.systemIdentifier}`,
    });
  }
  const run = new WalCopy(from, to, options);
  for (const timeline of options.timelines ?? (await from.timelines())) await run.timeline(timeline);
  return run.report;
}

class WalCopy {
  readonly report = {
    copiedSegments: 0,
    copiedFiles: 0,
    alreadyThere: 0,
    failed: [] as WalCopyReport["failed"][number][],
  };
  readonly #from: WalArchive;
  readonly #to: WalArchive;
  readonly #options: CopyWal;

  constructor(from: WalArchive, to: WalArchive, options: CopyWal) {
    this.#from = from;
    this.#to = to;
    this.#options = options;
  }

  /** The second's names are held in memory: 100,000 segments take some 10 MiB. The stores may list in different orders. */
  async timeline(timeline: number): Promise<void> {
    const { from, signal } = this.#options;
    const asked = { timeline, ...(from === undefined ? {} : { from }), ...(signal === undefined ? {} : { signal }) };
    const there = new Set<string>();
    for await (const { name } of this.#to.list(asked)) there.add(name);
    for await (const entry of this.#from.list(asked)) {
      if (signal?.aborted === true) throw new AppError("cancelled", { message: "the copy of WAL was cancelled" });
      if (entry.kind === "partial") await this.#try(entry, () => this.#ended(entry));
      else if (!there.has(entry.name) || this.#options.compare === true)
        await this.#try(entry, () => this.#copy(entry));
      else this.report.alreadyThere++;
    }
  }

  async #copy(entry: WalEntry): Promise<"stored" | "same"> {
    if (entry.kind !== "segment") {
      const content = await contentOf(this.#from.read(entry.name, this.#signal));
      return entry.kind === "history"
        ? this.#to.putHistory(entry.timeline, content)
        : this.#to.putFile(entry.name, content);
    }
    const described = await this.#from.describe(entry.name);
    // Removed since it was listed, by the first one's retention.
    if (described === null) return "same";
    const options = { ...this.#signal, writer: "copy" };
    return this.#to.putSegment(described.place, this.#from.read(entry.name, this.#signal), described.facts, options);
  }

  async #ended(entry: WalEntry): Promise<"stored" | "same" | null> {
    if (await this.#from.has(entry.name)) {
      if (await this.#to.has(entry.name)) return "same";
      return this.#to.putFile(entry.name, await contentOf(this.#from.read(entry.name, this.#signal)));
    }
    if (await this.#from.has(entry.name.slice(0, 24))) return null;
    const place = await this.#placeOf(entry);
    const partial = place === null ? null : await this.#from.partialOf(place);
    if (place === null || partial?.ended !== true) return null;
    const there = await this.#to.partialOf(place);
    if (there?.ended === true && there.endLsn >= partial.endLsn) return "same";
    const writer = await this.#to.beginSegment(place, { ...this.#signal, writer: "copy" });
    try {
      for await (const bytes of partial.read()) await writer.write(bytes);
      await writer.finishPartial();
      return "stored";
    } catch (error) {
      await writer.abandon();
      throw error;
    }
  }

  async #placeOf({ timeline, startLsn }: WalEntry): Promise<WalEntryPlace | null> {
    const newest = await this.#from.partial(timeline);
    if (startLsn === null || newest === null) return null;
    return { timeline, startLsn, sizeBytes: newest.place.sizeBytes };
  }

  get #signal(): { readonly signal?: AbortSignal } {
    return this.#options.signal === undefined ? {} : { signal: this.#options.signal };
  }

  /** One that is damaged, or in dispute, keeps no other from being copied; a store that is away ends the run. */
  async #try(entry: WalEntry, copy: () => Promise<"stored" | "same" | null>): Promise<void> {
    try {
      const outcome = await copy();
      if (outcome === null) return;
      if (outcome === "same") this.report.alreadyThere++;
      else if (entry.kind === "segment") this.report.copiedSegments++;
      else this.report.copiedFiles++;
      await this.#options.onCopied?.({ kind: entry.kind, timeline: entry.timeline, name: entry.name, outcome });
    } catch (error) {
      if (!(error instanceof AppError) || !lastingCodes.has(error.code)) throw error;
      this.report.failed.push({ name: entry.name, code: error.code, reason: error.message });
    }
  }
}

type WalEntryPlace = { readonly timeline: number; readonly startLsn: bigint; readonly sizeBytes: number };

const lastingCodes: ReadonlySet<string> = new Set(["wal-damaged", "wal-conflict", "wal-missing", "wal-invalid"]);

async function contentOf(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return new Uint8Array(Buffer.concat(all));
}
