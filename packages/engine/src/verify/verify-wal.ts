import { AppError, type Clock, formatBytes, joinCleanup } from "@tidemark/kit";
import { parseTimelineHistory } from "@tidemark/postgres";
import type { ServerArea, StoredBackup, WalArchive, WalEntry } from "@tidemark/repository";
import { type ActControl, ProgressMeter, throwIfCancelled } from "../act.ts";
import { laterLsn } from "../wal/receive/start-point.ts";
import { type AcknowledgedWal, acknowledgedButMissing } from "./acknowledged-wal.ts";
import { isInSubset } from "./coverage.ts";
import { sayLostWal } from "./lost-wal.ts";
import type { VerifySubset, VerifyTier } from "./verify-types.ts";
import { type FollowedSegment, WalFollower } from "./wal-follower.ts";

/** Names a whole segment of an area's archives. */
export interface VerifiedWalPlace {
  readonly systemIdentifier: bigint;
  readonly timeline: number;
  readonly startLsn: bigint;
}

/** What was found of one whole segment. */
export interface WalVerdict extends VerifiedWalPlace {
  readonly name: string;
  readonly sizeBytes: number;
  /** Null: sound, as deep as the tier looks. */
  readonly damage: string | null;
}

/** What was found of one in the making, a history, or an archiver's file. */
export interface WalFileVerdict {
  readonly systemIdentifier: bigint;
  /** As the archive calls it. */
  readonly name: string;
  /** What is wrong, and what is lost for it; null: nothing, or it is not there any more. */
  readonly damage: string | null;
}

export interface WalProblem {
  /** As PostgreSQL calls it. */
  readonly name: string;
  /** What is wrong, which instants are lost for it, and what to do next. */
  readonly sentence: string;
}

export interface VerifyWalDeps {
  readonly area: ServerArea;
  readonly clock: Clock;
}

export interface VerifyWalRequest {
  /**
   * `metadata`: the end of each segment is there and says what its name does. `stored`: every byte is the one that was
   * stored, and opens. `whole`: its header is the right one too, and its records can be followed, with their CRCs.
   */
  readonly tier: VerifyTier;
  /** Null: all of it. */
  readonly subset: VerifySubset | null;
  /** Whether this very verification found a segment sound before it was interrupted: it is not read again. */
  readonly isKnownSound?: (place: VerifiedWalPlace) => boolean;
  /** Told what was found as it goes, some segments at a time, so that an end on the way loses little. */
  readonly keep?: (verdicts: readonly WalVerdict[]) => Promise<void>;
  /** The same of what is no whole segment. */
  readonly keepFile?: (verdict: WalFileVerdict) => Promise<void>;
  /**
   * Up to where a receiver at work has told its server that WAL is durable here; null: none is. A segment in the making may
   * end anywhere, so that only this tells where it must not.
   */
  readonly acknowledged?: () => Promise<AcknowledgedWal | null>;
}

export interface VerifyWalReport {
  /** Whole segments that were looked at, those that were known sound included. */
  readonly checkedSegments: number;
  /** Plain bytes; 0 for `metadata`. */
  readonly checkedBytes: bigint;
  /** Segments in the making or before a gap, histories and other files. */
  readonly checkedFiles: number;
  /** At most a hundred; `problemCount` is the truth. */
  readonly problems: readonly WalProblem[];
  readonly problemCount: number;
}

/**
 * Proves that archived WAL is what was stored, and that a recovery could follow it. A record that reaches from one segment
 * into the next is read to its end, also where a part of all ends between them.
 *
 * Throws `cancelled` and what kept it from asking the repository; damage is the report.
 */
export async function verifyWal(
  deps: VerifyWalDeps,
  request: VerifyWalRequest,
  control: ActControl,
): Promise<VerifyWalReport> {
  const verification = new WalVerification(deps, request, control);
  try {
    await verification.run();
  } catch (error) {
    // What was found counts also where it ended early.
    throw await joinCleanup(error, () => verification.keep());
  }
  await verification.keep();
  return verification;
}

interface Archive {
  readonly archive: WalArchive;
  readonly backups: readonly StoredBackup[];
  /** Null: no backup says it, so that headers and records cannot be judged. */
  readonly major: number | null;
  readonly segmentSizeBytes: number;
  /** By timeline, in the order of their LSNs. */
  readonly lines: ReadonlyMap<number, readonly SegmentEntry[]>;
  /** What is no whole segment and has none of its name; histories first. */
  readonly others: readonly WalEntry[];
  /** Where the last child left each timeline. */
  readonly forks: Map<number, bigint>;
  /** Where each timeline begins, as its history says. */
  readonly begins: Map<number, bigint>;
}

type SegmentEntry = WalEntry & { readonly startLsn: bigint };

class WalVerification implements VerifyWalReport {
  checkedSegments = 0;
  checkedBytes = 0n;
  checkedFiles = 0;
  problemCount = 0;
  readonly problems: WalProblem[] = [];
  readonly #deps: VerifyWalDeps;
  readonly #request: VerifyWalRequest;
  readonly #control: ActControl;
  readonly #progress: ProgressMeter;
  #verdicts: WalVerdict[] = [];

  constructor(deps: VerifyWalDeps, request: VerifyWalRequest, control: ActControl) {
    this.#deps = deps;
    this.#request = request;
    this.#control = control;
    this.#progress = new ProgressMeter(control, deps.clock, null);
  }

  async run(): Promise<void> {
    const { area } = this.#deps;
    const backups = await area.listBackups();
    const archives: Archive[] = [];
    for (const identifier of await area.walIdentifiers()) archives.push(await this.#list(identifier, backups));
    const segments = archives.flatMap(({ lines }) => [...lines.values()].flat());
    const storedBytes = segments.reduce((sum, { sizeBytes }) => sum + BigInt(sizeBytes), 0n);
    const message = `reading ${segments.length} segments of archived WAL (${formatBytes(storedBytes)} stored)`;
    this.#control.emit({ kind: "phase", phase: "verifying", message });
    for (const archive of archives) {
      for (const entry of archive.others) await this.#checkOther(archive, entry);
      for (const line of archive.lines.values()) await this.#checkLine(archive, line);
      await this.#checkAcknowledged(archive);
    }
    this.#progress.finish();
  }

  async keep(): Promise<void> {
    const verdicts = this.#verdicts;
    this.#verdicts = [];
    if (verdicts.length > 0) await this.#request.keep?.(verdicts);
  }

  async #list(systemIdentifier: bigint, all: readonly StoredBackup[]): Promise<Archive> {
    const archive = this.#deps.area.wal(systemIdentifier);
    const backups = all.filter(({ facts }) => facts?.systemIdentifier === systemIdentifier);
    const facts = backups.findLast((backup) => backup.facts !== null)?.facts ?? null;
    const sizes = facts === null ? {} : { segmentSizeBytes: facts.walSegmentSizeBytes };
    const lines = new Map<number, SegmentEntry[]>();
    const others: WalEntry[] = [];
    for await (const entry of archive.list({ ...sizes, signal: this.#control.signal })) {
      const { kind, timeline, startLsn } = entry;
      const line = lines.get(timeline) ?? [];
      if (kind !== "segment" || startLsn === null) others.push(entry);
      else lines.set(timeline, line);
      if (kind === "segment" && startLsn !== null) line.push({ ...entry, startLsn });
    }
    for (const line of lines.values()) line.sort((a, b) => (a.startLsn < b.startLsn ? -1 : 1));
    const whole = new Set([...lines.values()].flatMap((line) => line.map(({ name }) => name)));
    const [first] = [...lines.values()].flat();
    return {
      archive,
      backups,
      major: facts === null ? null : Math.floor(facts.serverVersion / 10_000),
      segmentSizeBytes: facts?.walSegmentSizeBytes ?? (await sizeOf(archive, first)),
      lines,
      others: others
        .filter(({ kind, name }) => kind !== "partial" || !whole.has(name.slice(0, segmentNameLength)))
        .sort((a, b) => Number(b.kind === "history") - Number(a.kind === "history")),
      forks: new Map(),
      begins: new Map([[1, 0n]]),
    };
  }

  /** Segments one behind the other; of a part of all some of them. */
  async #checkLine(archive: Archive, line: readonly SegmentEntry[]): Promise<void> {
    const follower = this.#followerFor(archive);
    const isMeant = (entry: SegmentEntry | undefined) => entry !== undefined && this.#isMeant(archive, entry);
    const isKnown = (entry: SegmentEntry) => this.#isKnown(archive, entry);
    for (const [index, entry] of line.entries()) {
      throwIfCancelled(this.#control.signal);
      if (!isMeant(entry)) continue;
      this.checkedSegments++;
      const next = line[index + 1];
      const follows = next !== undefined && next.startLsn === entry.startLsn + BigInt(archive.segmentSizeBytes);
      // A record may reach from one that is known into one that is not: then it is read again.
      if (isKnown(entry) && (!follows || !isMeant(next) || isKnown(next))) continue;
      const neighbour = follows && !isMeant(next) ? next.name : null;
      const damage = await this.#judge(archive, { ...entry, neighbour, isLast: next === undefined }, follower);
      if (damage === "gone") this.checkedSegments--;
      else this.#found(archive, entry, damage);
      if (this.#verdicts.length >= verdictsAtOnce) await this.keep();
    }
  }

  #followerFor({ archive, major, segmentSizeBytes, forks }: Archive): WalFollower | null {
    if (this.#request.tier !== "whole" || major === null) return null;
    const { signal } = this.#control;
    const onBytes = (bytes: Uint8Array) => this.#count(bytes);
    return new WalFollower({
      ...{ archive, major, segmentSizeBytes, onBytes, signal },
      leftAt: (timeline) => forks.get(timeline),
    });
  }

  /** `gone`: removed since it was listed, by a retention. */
  async #judge(
    { archive }: Archive,
    segment: FollowedSegment & WalEntry,
    follower: WalFollower | null,
  ): Promise<string | null> {
    try {
      if (this.#request.tier === "metadata") return (await archive.describe(segment.name)) === null ? "gone" : null;
      if (follower !== null) return await follower.follow(segment);
      const { signal } = this.#control;
      for await (const bytes of archive.read(segment.name, { signal, lends: true })) this.#count(bytes);
      return null;
    } catch (error) {
      throwIfCancelled(this.#control.signal);
      follower?.forget();
      return (await whyUnreadable(archive, segment, error)) ?? "gone";
    }
  }

  #found({ archive, backups, segmentSizeBytes }: Archive, entry: SegmentEntry, damage: string | null): void {
    const { systemIdentifier } = archive;
    const { name, timeline, startLsn } = entry;
    this.#verdicts.push({ systemIdentifier, name, timeline, startLsn, sizeBytes: segmentSizeBytes, damage });
    if (damage === null) return;
    const lost = sayLostWal(backups, { timeline, startLsn, endLsn: startLsn + BigInt(segmentSizeBytes) });
    this.#problem(name, `WAL segment ${name} is damaged: ${damage}; ${lost}`);
  }

  async #checkOther(archive: Archive, entry: WalEntry): Promise<void> {
    throwIfCancelled(this.#control.signal);
    const { kind, name } = entry;
    const isMeant = isInSubset(name, this.#request.subset);
    // Where a timeline was left the records of each part need.
    if (kind !== "history" && (!isMeant || this.#request.tier === "metadata")) return;
    const found = await this.#readOther(archive, entry);
    if (!isMeant) return;
    if (found !== "gone") this.checkedFiles++;
    const damage = found === null || found === "gone" ? null : `${found}; ${otherLoss[kind]}`;
    const { systemIdentifier } = archive.archive;
    await this.#request.keepFile?.({ systemIdentifier, name, damage });
    if (damage !== null) this.#problem(name, `${name} in the WAL archive is damaged: ${damage}`);
  }

  /** What is wrong with it; null: nothing. `gone`: it became whole or was removed since it was listed. */
  async #readOther(
    { archive, forks, begins, segmentSizeBytes: sizeBytes }: Archive,
    entry: WalEntry,
  ): Promise<string | null> {
    const { kind, name, timeline, startLsn } = entry;
    try {
      if (kind === "partial") {
        const partial = await archive.partialOf({ timeline, startLsn: startLsn ?? 0n, sizeBytes });
        if (partial === null) return "gone";
        for await (const bytes of partial.read()) this.#count(bytes);
      } else {
        const chunks: Uint8Array[] = [];
        for await (const bytes of archive.read(name, { signal: this.#control.signal })) chunks.push(bytes.slice());
        const last = kind === "history" ? lastAncestor(Buffer.concat(chunks).toString("latin1")) : null;
        if (last !== null) {
          begins.set(timeline, last.switchLsn);
          forks.set(last.timeline, laterLsn(forks.get(last.timeline) ?? 0n, last.switchLsn));
        }
      }
      return null;
    } catch (error) {
      throwIfCancelled(this.#control.signal);
      return (await whyUnreadable(archive, entry, error)) ?? "gone";
    }
  }

  /** Pieces that are damaged are named as such already. */
  async #checkAcknowledged({ archive, begins, segmentSizeBytes: sizeBytes }: Archive): Promise<void> {
    const { acknowledged, tier } = this.#request;
    if (acknowledged === undefined || tier === "metadata") return;
    const look = { archive, begins, sizeBytes, acknowledged, signal: this.#control.signal };
    const short = await acknowledgedButMissing(look);
    if (short === null) return;
    const damage = short.sentence === null ? null : `${short.sentence}; ${otherLoss.partial}`;
    await this.#request.keepFile?.({ systemIdentifier: archive.systemIdentifier, name: short.name, damage });
    if (damage !== null) this.#problem(short.name, `${short.name} in the WAL archive is damaged: ${damage}`);
  }

  #count(bytes: Uint8Array): void {
    this.checkedBytes += BigInt(bytes.length);
    this.#progress.add(bytes.length);
    throwIfCancelled(this.#control.signal);
  }

  /** Neighbours go together, so that few records have to be finished in segments of another part. */
  #isMeant({ segmentSizeBytes }: Archive, { timeline, startLsn }: SegmentEntry): boolean {
    const group = startLsn / BigInt(segmentSizeBytes * segmentsTogether);
    return isInSubset(`${timeline}/${group}`, this.#request.subset);
  }

  #isKnown({ archive }: Archive, { timeline, startLsn }: SegmentEntry): boolean {
    const { systemIdentifier } = archive;
    return this.#request.isKnownSound?.({ systemIdentifier, timeline, startLsn }) === true;
  }

  #problem(name: string, sentence: string): void {
    this.problemCount++;
    if (this.problems.length >= problemsListed) return;
    this.problems.push({ name, sentence });
    this.#control.emit({ kind: "log", level: "error", message: sentence });
  }
}

/** Null: it is not there any more. Throws what is no word about its bytes. */
async function whyUnreadable(archive: WalArchive, { name, kind }: WalEntry, error: unknown): Promise<string | null> {
  if (!(error instanceof AppError)) throw error;
  if (error.code === "wal-missing") {
    // One in the making becomes whole, or has one piece more, while it is read: the next verification sees it.
    return kind !== "partial" && (await archive.has(name)) ? error.message : null;
  }
  if (error.code === "wal-damaged" || error.code === "wal-conflict") return error.message;
  throw error;
}

/** What one of them says where no backup does. */
async function sizeOf(archive: WalArchive, first: WalEntry | undefined): Promise<number> {
  try {
    const described = first === undefined ? null : await archive.describe(first.name);
    return described?.place.sizeBytes ?? usualSegmentBytes;
  } catch (error) {
    if (error instanceof AppError && error.code === "wal-damaged") return usualSegmentBytes;
    throw error;
  }
}

/** Null where somebody's archiver stored what is no history. */
function lastAncestor(text: string) {
  try {
    return parseTimelineHistory(text).at(-1) ?? null;
  } catch (error) {
    if (error instanceof AppError) return null;
    throw error;
  }
}

const otherLoss: Readonly<Record<WalEntry["kind"], string>> = {
  segment: "what is in it cannot be recovered",
  history: "no recovery finds the way to that timeline before there is a backup on it: take one now",
  partial: "the commits that only it holds cannot be recovered; a new backup has all that is still on the server",
  file: "no recovery needs it",
};

/** PostgreSQL's DEFAULT_XLOG_SEG_SIZE (src/include/pg_config_manual.h). */
const usualSegmentBytes = 16 * 1024 * 1024;
const segmentsTogether = 16;
/** XLOG_FNAME_LEN (src/include/access/xlog_internal.h). */
const segmentNameLength = 24;
const verdictsAtOnce = 100;
const problemsListed = 100;
