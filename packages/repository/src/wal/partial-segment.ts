import { AppError } from "@tidemark/kit";
import { walBlockBytes } from "../format.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { BoxDamaged, openBox } from "../seal/sealed-box.ts";
import { WalObjectReader } from "./segment-object.ts";
import type { WalPartial, WalSegmentPlace } from "./wal-archive.ts";
import { asWalDamage, walConflict } from "./wal-errors.ts";
import { lsnText, segmentName, type WalPaths } from "./wal-names.ts";

/**
 * What the pieces of one segment give together. Its plain bytes are held in memory, at most one segment, because pieces
 * that overlap have to agree before any of them counts.
 */
export class AssembledSegment {
  readonly name: string;
  #place: WalSegmentPlace | null = null;
  #ended = false;
  readonly #blocks = new Map<number, Uint8Array>();
  /** Ascending, apart from each other. */
  #covered: { from: number; to: number }[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get place(): WalSegmentPlace | null {
    return this.#place;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Without a hole from the start. */
  get end(): number {
    const first = this.#covered[0];
    return first?.from === 0 ? first.to : 0;
  }

  isOf(place: WalSegmentPlace): void {
    this.#place ??= place;
  }

  endsTimeline(): void {
    this.#ended = true;
  }

  /** Throws `wal-conflict`, naming the LSN, where other bytes are there. */
  add(offset: number, bytes: Uint8Array): void {
    const differs = this.difference(offset, bytes);
    if (differs !== null) {
      const lsn = lsnText((this.#place?.startLsn ?? 0n) + BigInt(differs));
      throw walConflict(`${this.name}.partial`, `what two writers kept of it differs at ${lsn}`);
    }
    for (let at = 0; at < bytes.length; ) {
      const index = Math.floor((offset + at) / walBlockBytes);
      const within = (offset + at) % walBlockBytes;
      const block = this.#blocks.get(index) ?? new Uint8Array(walBlockBytes);
      this.#blocks.set(index, block);
      const part = bytes.subarray(at, at + walBlockBytes - within);
      block.set(part, within);
      at += part.length;
    }
    this.#cover(offset, offset + bytes.length);
  }

  /** The first place where what is there differs from these bytes; null: nowhere. */
  difference(offset: number, bytes: Uint8Array): number | null {
    for (const { from, to } of this.#covered) {
      const [begin, end] = [Math.max(from, offset), Math.min(to, offset + bytes.length)];
      for (let at = begin; at < end; ) {
        const within = at % walBlockBytes;
        const length = Math.min(end - at, walBlockBytes - within);
        const mine = this.#blocks.get(Math.floor(at / walBlockBytes))?.subarray(within, within + length);
        const theirs = bytes.subarray(at - offset, at - offset + length);
        if (mine === undefined || Buffer.compare(mine, theirs) !== 0) {
          return at + theirs.findIndex((byte, index) => byte !== mine?.[index]);
        }
        at += length;
      }
    }
    return null;
  }

  async *read(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < this.end; at += walBlockBytes) {
      const block = this.#blocks.get(at / walBlockBytes);
      if (block === undefined) throw new Error("a block that is covered is not there");
      yield block.slice(0, Math.min(walBlockBytes, this.end - at));
    }
  }

  #cover(from: number, to: number): void {
    if (from === to) return;
    const apart = this.#covered.filter((range) => range.to < from || range.from > to);
    const touching = this.#covered.filter((range) => !(range.to < from || range.from > to));
    const merged = {
      from: Math.min(from, ...touching.map((range) => range.from)),
      to: Math.max(to, ...touching.map((range) => range.to)),
    };
    this.#covered = [...apart, merged].sort((a, b) => a.from - b.from);
  }
}

/** Puts together what there is of a segment; null: nothing. */
export async function readPartial(
  context: RepositoryContext,
  paths: WalPaths,
  timeline: number,
  segment: string,
): Promise<WalPartial | null> {
  const assembled = new AssembledSegment(segment);
  for await (const { key } of context.store.list(paths.pieces(timeline, segment))) {
    if (isArchived(key, paths, timeline, segment)) continue;
    await addPiece(context, paths, key, assembled);
  }
  const { place, end, ended } = assembled;
  if (place === null || (end === 0 && !ended)) return null;
  return { place, endLsn: place.startLsn + BigInt(end), ended, read: () => assembled.read() };
}

/** A file that a server's archiver gave is kept apart: behind its last record it holds what was in the file before. */
function isArchived(key: string, paths: WalPaths, timeline: number, segment: string): boolean {
  const name = key.slice(paths.pieces(timeline, segment).length);
  return name === "archived" || name.startsWith("archived/");
}

/**
 * One object's share. A growing one may end in the middle of a box, or in zeros: there it ends, and what lies behind was
 * never said to be kept. One that was put as a whole has to be whole.
 */
export async function addPiece(
  context: RepositoryContext,
  paths: WalPaths,
  key: string,
  assembled: AssembledSegment,
): Promise<void> {
  const piece = key.slice(key.indexOf(`/${assembled.name}/`) + assembled.name.length + 2);
  const grows = /^(segment|growing)-/.test(piece);
  const sealedFor = (kind: "segment" | "piece") => (kind === "piece" ? key : paths.object(assembled.name));
  try {
    const object = await WalObjectReader.open(context, key, sealedFor);
    try {
      const { place } = object.header;
      if (segmentName(place) !== assembled.name) throw new RangeError(`it is of ${segmentName(place)}`);
      assembled.isOf(place);
      await addRecords(object, assembled, grows);
      if (piece.startsWith("ended-")) assembled.endsTimeline();
    } finally {
      await object.close();
    }
  } catch (error) {
    // Removed since it was listed: its segment is whole now, or the caller's next look will see another.
    if (error instanceof AppError && error.code === "object-missing") return;
    // A growing one of which not even the header lasted.
    if (grows && (error instanceof BoxDamaged || (error instanceof AppError && error.code === "object-damaged")))
      return;
    throw asWalDamage(key, error);
  }
}

async function addRecords(object: WalObjectReader, assembled: AssembledSegment, grows: boolean): Promise<void> {
  for (;;) {
    const record = await object.next();
    if (record === null || "end" in record) {
      if (record === null && !grows) throw new RangeError("it ends early");
      if (record === null || object.kind === "piece" || record.end === 0) return;
      try {
        await addZeroEnd(object, assembled, record.end);
      } catch (error) {
        // The machine died while its end was written.
        if (!grows || isConflict(error)) throw error;
      }
      return;
    }
    const { offset, stored } = record;
    let plain: Uint8Array;
    try {
      plain = openBox(stored, object.seal.part("wal", offset), walBlockBytes);
    } catch (error) {
      if (grows && error instanceof BoxDamaged) return;
      throw error;
    }
    assembled.add(offset, plain);
  }
}

/** A segment that was finished says in its index how many zeros follow. */
async function addZeroEnd(object: WalObjectReader, assembled: AssembledSegment, boxedBytes: number): Promise<void> {
  const { plainBytes } = await object.index();
  for (let at = boxedBytes; at < plainBytes; at += walBlockBytes)
    assembled.add(at, new Uint8Array(Math.min(walBlockBytes, plainBytes - at)));
}

function isConflict(error: unknown): boolean {
  return error instanceof AppError && error.code !== "object-damaged";
}

/** The newest segment of a timeline of which there are pieces and that is not stored whole; null: there is none. */
export async function newestPartial(
  context: RepositoryContext,
  paths: WalPaths,
  timeline: number,
  isWhole: (segment: string) => Promise<boolean>,
): Promise<WalPartial | null> {
  const segments = await context.store.listPrefixes(paths.partials(timeline));
  for (const segment of [...segments].sort().reverse()) {
    if (await isWhole(segment)) continue;
    const partial = await readPartial(context, paths, timeline, segment);
    if (partial !== null) return partial;
  }
  return null;
}
