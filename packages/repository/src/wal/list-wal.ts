import type { ObjectFacts } from "@tidemark/storage";
import { walsPrefix } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import type { ListWal, WalEntry } from "./wal-archive.ts";
import { parseWalName, segmentName, segmentStart, timelineName, type WalPaths } from "./wal-names.ts";

/** Timelines that have a folder, ascending. */
export async function walTimelines(context: RepositoryContext, paths: WalPaths): Promise<readonly number[]> {
  const names = await context.store.listPrefixes(walsPrefix(paths.serverId, paths.systemIdentifier));
  const found = names.filter((name) => /^[0-9A-F]{8}$/.test(name)).map((name) => Number.parseInt(name, 16));
  return found.sort((a, b) => a - b);
}

/**
 * One listing for each timeline, in which nothing is opened: the store begins it where `from` is. What lies below a name
 * (`putOnce`, in stores that cannot create exclusively) counts as that name, once.
 */
export async function* listWal(
  context: RepositoryContext,
  paths: WalPaths,
  options: ListWal & { readonly sizeOf: (segmentKey: string, segment: string) => Promise<number> },
): AsyncGenerator<WalEntry> {
  const timelines = options.timeline === undefined ? await walTimelines(context, paths) : [options.timeline];
  for (const timeline of timelines) yield* listTimeline(context, paths, timeline, options);
}

async function* listTimeline(
  context: RepositoryContext,
  paths: WalPaths,
  timeline: number,
  options: ListWal & { readonly sizeOf: (segmentKey: string, segment: string) => Promise<number> },
): AsyncGenerator<WalEntry> {
  const folder = paths.timeline(timeline);
  const { from, signal } = options;
  let size = options.segmentSizeBytes ?? null;
  const walOptions = signal === undefined ? {} : { signal };
  let previous = "";
  const partials = new PartialEntries(timeline);
  let after: string | undefined;
  if (from !== undefined && size !== null) {
    // The history sorts before all segments, and is listed all the same.
    for await (const facts of historyOf(context, folder, timeline)) yield history(facts, timeline);
    after = `${folder}${segmentName({ timeline, startLsn: from - (from % BigInt(size)), sizeBytes: size }).slice(0, 23)}`;
  }
  for await (const facts of context.store.list(folder, after === undefined ? walOptions : { ...walOptions, after })) {
    const rest = facts.key.slice(folder.length);
    if (rest.startsWith("partial/")) {
      const segment = rest.split("/")[1] ?? "";
      size ??= await options.sizeOf(facts.key, segment);
      const ready = partials.add(segment, facts, size);
      if (ready !== null && (from === undefined || isFrom(ready, from))) yield ready;
      continue;
    }
    const name = rest.split("/")[0] ?? "";
    const parsed = parseWalName(name);
    // In a store that cannot create exclusively a name may hold the same twice.
    if (parsed === null || parsed.timeline !== timeline || name === previous) continue;
    previous = name;
    if (parsed.kind === "history") {
      yield history(facts, timeline);
      continue;
    }
    if (parsed.kind === "segment") size ??= await options.sizeOf(facts.key, parsed.segment);
    const startLsn = segmentStart(name, size ?? usualSegmentBytes);
    const entry: WalEntry = { kind: parsed.kind, timeline, name, startLsn, ...sizeAndTime(facts) };
    if (from === undefined || isFrom(entry, from) || parsed.kind === "file") yield entry;
  }
  const last = partials.last();
  if (last !== null && (from === undefined || isFrom(last, from))) yield last;
}

/** Of `initdb`, unless it is told otherwise. */
export const usualSegmentBytes = 16 * 1024 * 1024;

function isFrom(entry: WalEntry, from: bigint): boolean {
  return entry.startLsn === null || entry.startLsn >= from;
}

async function* historyOf(context: RepositoryContext, folder: string, timeline: number): AsyncGenerator<ObjectFacts> {
  const key = `${folder}${timelineName(timeline)}.history`;
  const found = await context.store.stat(key);
  if (found !== null) yield found;
  else {
    for await (const below of context.store.list(`${key}/`)) {
      yield below;
      return;
    }
  }
}

function history(facts: ObjectFacts, timeline: number): WalEntry {
  return {
    kind: "history",
    timeline,
    name: `${timelineName(timeline)}.history`,
    startLsn: null,
    ...sizeAndTime(facts),
  };
}

function sizeAndTime({ sizeBytes, modifiedAt }: ObjectFacts): Pick<WalEntry, "sizeBytes" | "modifiedAt"> {
  return { sizeBytes, modifiedAt };
}

/** The pieces of a segment are one entry; they come one behind the other. */
class PartialEntries {
  readonly #timeline: number;
  #current: WalEntry | null = null;

  constructor(timeline: number) {
    this.#timeline = timeline;
  }

  /** The entry that is complete, since another begins. */
  add(segment: string, { sizeBytes, modifiedAt }: ObjectFacts, segmentSizeBytes: number): WalEntry | null {
    const name = `${segment}.partial`;
    const current = this.#current;
    if (current?.name === name) {
      const newest = modifiedAt > current.modifiedAt ? modifiedAt : current.modifiedAt;
      this.#current = { ...current, sizeBytes: current.sizeBytes + sizeBytes, modifiedAt: newest };
      return null;
    }
    const startLsn = segmentStart(segment, segmentSizeBytes);
    this.#current = { kind: "partial", timeline: this.#timeline, name, startLsn, sizeBytes, modifiedAt };
    return current;
  }

  last(): WalEntry | null {
    return this.#current;
  }
}
