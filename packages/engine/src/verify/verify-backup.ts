import { availableParallelism, tmpdir } from "node:os";
import { AppError, type Clock, formatBytes } from "@tidemark/kit";
import type { BackupFacts, FrameSource, ManifestReader, ServerArea } from "@tidemark/repository";
import { type ActControl, ProgressMeter, reachStep, throwIfCancelled } from "../act.ts";
import { frameActScript } from "../frames/frame-act-script.ts";
import { type PackPlaces, PlaceCounts, PlaceTable } from "../frames/place-table.ts";
import { WorkerThreads } from "../frames/worker-threads.ts";
import { holdForReading } from "../hold-packs.ts";
import { coverageOf, isInSubset, joinUse } from "./coverage.ts";
import { DamagedFrames, HitBackups } from "./damaged-frames.ts";
import { KnownPacks } from "./known-packs.ts";
import { blocksOf, sayBlocks } from "./say-blocks.ts";
import { VerifiedFiles } from "./verified-files.ts";
import { checkLayout, openManifests } from "./verified-manifests.ts";
import { type VerifiedPacks, verifyPacks } from "./verify-packs.ts";
import { VerifyProblems } from "./verify-problems.ts";
import type { VerifiedFrames, VerifyFrames } from "./verify-requests.ts";
import type { VerifyReport, VerifySubset, VerifyTier } from "./verify-types.ts";

export interface VerifyDeps {
  readonly area: ServerArea;
  readonly clock: Clock;
  /** Threads that check frames; by default as many as there are cores, up to four. */
  readonly threads?: number;
  /** Where the places of very large backups are kept while they are checked. Default: the system's temporary folder. */
  readonly spoolFolder?: string;
}

export interface VerifyRequest {
  readonly backupId: string;
  readonly tier: VerifyTier;
  /** Null: every pack. */
  readonly subset: VerifySubset | null;
  /** Who asked, for the mark. */
  readonly by: string;
}

export interface VerifyAreaRequest extends Omit<VerifyRequest, "backupId"> {
  /** Null: every backup of the server. */
  readonly backupIds: readonly string[] | null;
}

/** `verifyArea` of one backup. Throws `manifest-missing` when there is none. */
export function verifyBackup(deps: VerifyDeps, request: VerifyRequest, control: ActControl): Promise<VerifyReport> {
  const { backupId, ...how } = request;
  return verifyArea(deps, { ...how, backupIds: [backupId] }, control);
}

/**
 * Proves that backups are what was stored, as deep as the tier says, each pack read once however many of them share it.
 * Keeps what it found of each pack in the repository. A whole verification of all packs adds a `verified` mark to each
 * sound backup; whatever was found, every backup that is hit gets a `damaged` mark, which names the packs, so that the
 * next backup stores anew what they held.
 *
 * Throws `bad-request` for an impossible subset, `manifest-missing`, `cancelled`, and what kept it from asking
 * (`storage-unreachable` …); damage is the report.
 */
export async function verifyArea(
  deps: VerifyDeps,
  request: VerifyAreaRequest,
  control: ActControl,
): Promise<VerifyReport> {
  refuseImpossible(request.subset);
  await using threads = new WorkerThreads<VerifyFrames, VerifiedFrames | null>(
    frameActScript,
    deps.threads ?? Math.min(mostThreads, availableParallelism()),
  );
  if (request.tier !== "metadata") threads.warmUp();
  await using _hold = await holdForReading(deps.area, control);
  const verification = new Verification(deps, request, control, threads);
  await reachStep(control, "verify:before-read");
  const report = await verification.run();
  await reachStep(control, "verify:before-mark");
  await markBackups(deps, request, report);
  return report;
}

function refuseImpossible(subset: VerifySubset | null): void {
  if (subset === null) return;
  const { part, of } = subset;
  if (Number.isInteger(part) && Number.isInteger(of) && part >= 1 && part <= of && of <= mostParts) return;
  throw new AppError("bad-request", {
    message: `part ${part} of ${of} does not exist`,
    hint: `give a part from 1 to the number of parts, which is at most ${mostParts}`,
  });
}

async function markBackups(
  { area, clock }: VerifyDeps,
  request: VerifyAreaRequest,
  report: VerifyReport,
): Promise<void> {
  const hit = new Set(report.hitBackupIds);
  const at = clock.now();
  const { by } = request;
  for (const backupId of hit)
    await area.addMark(backupId, { kind: "damaged", text: damageText(report, backupId), by, at });
  if (request.tier !== "whole" || request.subset !== null) return;
  const text = `${report.checkedFiles} files, ${formatBytes(report.checkedBytes)}`;
  for (const backupId of report.backupIds) {
    if (!hit.has(backupId)) await area.addMark(backupId, { kind: "verified", text, by, at });
  }
}

class Verification {
  readonly #deps: VerifyDeps;
  readonly #request: VerifyAreaRequest;
  readonly #control: ActControl;
  readonly #threads: WorkerThreads<VerifyFrames, VerifiedFrames | null>;
  readonly #problems: VerifyProblems;
  readonly #frames: FrameSource;
  readonly #packs: KnownPacks;
  readonly #damaged = new DamagedFrames();
  readonly #hits: HitBackups;
  readonly #use = new Map<string, Uint8Array>();
  #checkedFiles = 0;

  constructor(
    deps: VerifyDeps,
    request: VerifyAreaRequest,
    control: ActControl,
    threads: WorkerThreads<VerifyFrames, VerifiedFrames | null>,
  ) {
    this.#deps = deps;
    this.#request = request;
    this.#control = control;
    this.#threads = threads;
    this.#problems = new VerifyProblems(control);
    this.#frames = deps.area.frames();
    this.#packs = new KnownPacks(this.#frames, control.signal);
    this.#hits = new HitBackups(deps.area);
  }

  async run(): Promise<VerifyReport> {
    const { area } = this.#deps;
    const { tier, subset, backupIds: named } = this.#request;
    const backupIds = named ?? (await area.listBackups()).map(({ backupId }) => backupId);
    const phase = { kind: "phase", phase: "verifying" } as const;
    const which = backupIds.length === 1 ? `the manifest of ${backupIds[0]}` : `${backupIds.length} manifests`;
    this.#control.emit({ ...phase, message: `reading ${which}` });
    const opened = await openManifests(area, backupIds, named !== null);
    for (const { backupId, reason } of opened.damaged) this.#reportManifest(backupId, reason);
    const counts = new PlaceCounts();
    const manifests: ManifestReader[] = [];
    for (const manifest of opened.manifests) {
      if (await this.#checkManifest(manifest, counts)) manifests.push(manifest);
    }
    for (const manifest of manifests) joinUse(this.#use, await manifest.frameUse());
    const packIds = [...this.#use.keys()].filter((packId) => isInSubset(packId, subset));
    const checked = tier === "metadata" ? nothing(packIds) : await this.#checkPacks(manifests, packIds, counts, tier);
    return {
      tier,
      subset,
      backupIds,
      ok: this.#problems.count === 0,
      checkedFiles: this.#checkedFiles,
      checkedBytes: checked.checkedBytes,
      checkedPacks: checked.packIds.size,
      problems: this.#problems.list,
      problemCount: this.#problems.count,
      suspectPageCount: checked.suspectPageCount,
      hitBackupIds: backupIds.filter((id) => this.#problems.hitBackupIds.has(id)).concat(this.#othersHit(backupIds)),
      healing: this.#problems.healing(),
      coverage: coverageOf(this.#use, await area.verifications()),
    };
  }

  #othersHit(backupIds: readonly string[]): string[] {
    return [...this.#problems.hitBackupIds].filter((id) => !backupIds.includes(id)).sort();
  }

  #reportManifest(backupId: string, reason: string): void {
    const problem = { code: "manifest-damaged", path: null, blocks: [], packId: null } as const;
    this.#problems.add({ ...problem, backupIds: [backupId], sentence: reason });
  }

  /** What manifest and directories alone can prove. False when the manifest turns out to be damaged on the way. */
  async #checkManifest(manifest: ManifestReader, counts: PlaceCounts): Promise<boolean> {
    const { backupId, facts } = manifest.backup;
    const isWanted = this.#isWanted;
    try {
      for await (const entry of manifest.rows()) {
        throwIfCancelled(this.#control.signal);
        if (entry.kind !== "file") continue;
        this.#checkedFiles++;
        const layout = checkLayout(entry);
        if (layout !== null) {
          const path = Buffer.from(entry.path).toString("utf8");
          const sentence = `${path}: ${layout.why}`;
          this.#problems.add({ code: layout.code, path, blocks: [], packId: null, backupIds: [backupId], sentence });
        }
        const { extents } = entry;
        await this.#packs.learn(extents, isWanted);
        for (let index = 0; index < extents.count; index++) {
          if (extents.isZeros(index)) continue;
          const packId = extents.packIdOf(index);
          if (!isWanted(packId)) continue;
          const trouble = this.#packs.judge(extents, index);
          if (trouble === null) {
            if (this.#request.tier === "whole") counts.addOne(packId);
            continue;
          }
          const path = Buffer.from(entry.path).toString("utf8");
          const fileOffset = extents.beginOf(index);
          const blocks = blocksOf({ fileOffset, lengthBytes: extents.endOf(index) - fileOffset }, facts.blockSize);
          const sentence = `${path}, ${sayBlocks(blocks)}: ${trouble.why}`;
          this.#problems.add({ code: trouble.code, path, blocks, packId, backupIds: [backupId], sentence });
        }
      }
      return true;
    } catch (error) {
      if (!(error instanceof AppError && error.code === "manifest-damaged")) throw error;
      this.#reportManifest(backupId, error.message);
      return false;
    }
  }

  readonly #isWanted = (packId: string): boolean => isInSubset(packId, this.#request.subset);

  async #checkPacks(
    manifests: readonly ManifestReader[],
    packIds: readonly string[],
    counts: PlaceCounts,
    tier: "stored" | "whole",
  ): Promise<VerifiedPacks> {
    const { clock } = this.#deps;
    const readable: string[] = [];
    for (const packId of packIds) if ((await this.#packs.get(packId)).kind === "known") readable.push(packId);
    const total = this.#packs.sum(tier === "stored" ? "storedBytes" : "plainBytes", this.#isWanted);
    const message = `reading ${formatBytes(total)} in ${readable.length} packs`;
    this.#control.emit({ kind: "phase", phase: "verifying", message });
    const progress = new ProgressMeter(this.#control, clock, total);
    const files = new VerifiedFiles(manifests);
    const table = tier === "whole" ? await this.#gather(manifests, files, counts) : null;
    try {
      const { failure, ...checked } = await verifyPacks({
        tier,
        frames: this.#frames,
        packs: table === null ? withoutPlaces(readable) : table.packs(),
        threads: this.#threads,
        files,
        suspects: knownSuspects(manifests.map(({ backup }) => backup.facts)),
        damaged: this.#damaged,
        hits: this.#hits,
        problems: this.#problems,
        progress,
        signal: this.#control.signal,
      });
      progress.finish();
      // What was found is kept also when it ended early: the next verification need not begin anew to know it.
      if (checked.packIds.size > 0) await this.#keep(checked.packIds, packIds, tier, failure === null);
      if (failure !== null) throw failure;
      if (!this.#damaged.isEmpty)
        await this.#damaged.report(manifests, this.#hits, this.#problems, this.#control.signal);
      return checked;
    } finally {
      await table?.close();
    }
  }

  async #gather(manifests: readonly ManifestReader[], files: VerifiedFiles, counts: PlaceCounts): Promise<PlaceTable> {
    const table = await PlaceTable.open({ counts, spoolFolder: this.#deps.spoolFolder ?? tmpdir() });
    for (const [index, manifest] of manifests.entries()) {
      for await (const entry of manifest.rows()) {
        throwIfCancelled(this.#control.signal);
        if (entry.kind !== "file") continue;
        const { extents } = entry;
        const isSound = (at: number): boolean =>
          this.#isWanted(extents.packIdOf(at)) && this.#packs.judge(extents, at) === null;
        await table.add(files.add(index, entry.path), extents, isSound);
      }
    }
    return table;
  }

  /** Packs that could not be read at all count as damaged, too. */
  async #keep(
    checkedIds: ReadonlySet<string>,
    packIds: readonly string[],
    tier: "stored" | "whole",
    isComplete: boolean,
  ): Promise<void> {
    const damagedPacks = [...checkedIds].flatMap((packId) => {
      const damage = this.#damaged.of(packId);
      return damage === null ? [] : { packId, ...damage };
    });
    if (isComplete) {
      for (const packId of packIds) {
        const pack = await this.#packs.get(packId);
        if (pack.kind === "damaged") damagedPacks.push({ packId, frameIndexes: [], reason: pack.reason });
      }
    }
    const damagedIds = new Set(damagedPacks.map(({ packId }) => packId));
    const soundPackIds = [...checkedIds].filter((packId) => !damagedIds.has(packId));
    const { by } = this.#request;
    await this.#deps.area.addVerification({ at: this.#deps.clock.now(), by, tier, soundPackIds, damagedPacks });
  }
}

function nothing(packIds: readonly string[]): VerifiedPacks {
  return { packIds: new Set(packIds), checkedBytes: 0n, suspectPageCount: 0 };
}

/** Only the frames themselves are checked, wherever their bytes go. */
async function* withoutPlaces(packIds: readonly string[]): AsyncGenerator<PackPlaces> {
  const words = new Uint32Array(0);
  for (const packId of packIds) yield { packId, frameIndexes: [], range: () => ({ from: 0, to: 0 }), words };
}

function knownSuspects(facts: readonly BackupFacts[]): ReadonlySet<string> {
  return new Set(
    facts.flatMap(({ suspectPages }) =>
      suspectPages.flatMap(({ path, blocks }) => blocks.map((block) => `${path}:${block}`)),
    ),
  );
}

function damageText(report: VerifyReport, backupId: string): string {
  const own = report.problems.filter(({ backupIds }) => backupIds.includes(backupId));
  const packs = [...new Set(own.flatMap(({ packId }) => (packId === null ? [] : [packId])))].slice(0, packsNamed);
  const more = own.length > 1 ? ` and ${own.length - 1} more problems` : "";
  return `${own[0]?.sentence ?? "damage was found"}${more}${packs.length === 0 ? "" : `; packs: ${packs.join(" ")}`}`;
}

const mostThreads = 4;
/** Twelve years of one part a day. */
const mostParts = 4096;
/** A mark is a small fact; a repository with more damaged packs has other worries. */
const packsNamed = 200;
