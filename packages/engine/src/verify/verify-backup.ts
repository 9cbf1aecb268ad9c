import { AppError, type Clock, combineCrc32c, crc32c, formatBytes } from "@tidemark/kit";
import type { BackupFacts, ManifestFile, ManifestReader, ServerArea } from "@tidemark/repository";
import { type ActControl, ProgressMeter, reachStep, throwIfCancelled } from "../act.ts";
import { inspectPages, pageInspectionOf } from "../backup/page-inspection.ts";
import { type FrameVisit, type PlacedRun, visitFrames } from "./visit-frames.ts";

export interface VerifyDeps {
  readonly area: ServerArea;
  readonly clock: Clock;
}

export interface VerifyRequest {
  readonly backupId: string;
  /** Who asked, for the mark. */
  readonly by: string;
}

export type VerifyProblemCode =
  | "manifest-damaged"
  | "frame-damaged"
  | "run-checksum"
  | "file-checksum"
  | "file-layout"
  | "page-checksum";

/** One thing that is wrong, and exactly where. */
export interface VerifyProblem {
  readonly code: VerifyProblemCode;
  /** Null when the manifest itself is wrong. */
  readonly path: string | null;
  /** Block numbers within the file (8 KiB each in the usual build); empty when it concerns no blocks. */
  readonly blocks: readonly number[];
  readonly packId: string | null;
  readonly sentence: string;
}

export interface VerifyReport {
  readonly backupId: string;
  readonly ok: boolean;
  readonly checkedFiles: number;
  readonly checkedBytes: bigint;
  readonly checkedPacks: number;
  /** At most 1,000 are listed; `problemCount` is the truth. */
  readonly problems: readonly VerifyProblem[];
  readonly problemCount: number;
  /** Pages the server itself sent with a wrong checksum; they were stored faithfully and are no damage of the repository. */
  readonly suspectPageCount: number;
}

/**
 * Reads a whole backup and proves that it is what was stored: the manifest, each frame (tag or hash, CRC), each run's
 * and each whole file's CRC-32C, and the checksum of every page. Each pack is read once. Adds a `verified` or
 * `damaged` mark; the latter names the packs, so that the next backup stores anew what they held.
 *
 * Throws `manifest-missing`, `cancelled`, and what kept it from asking (`storage-unreachable` …); damage is the report.
 */
export async function verifyBackup(
  deps: VerifyDeps,
  request: VerifyRequest,
  control: ActControl,
): Promise<VerifyReport> {
  const verification = new Verification(deps, request, control);
  await reachStep(control, "verify:before-read");
  const report = await verification.run();
  await reachStep(control, "verify:before-mark");
  const problem = report.problems[0];
  await deps.area.addMark(request.backupId, {
    kind: report.ok ? "verified" : "damaged",
    text:
      problem === undefined
        ? `${report.checkedFiles} files, ${formatBytes(report.checkedBytes)}`
        : damageText(report, problem),
    by: request.by,
    at: deps.clock.now(),
  });
  return report;
}

class Verification {
  readonly #deps: VerifyDeps;
  readonly #request: VerifyRequest;
  readonly #control: ActControl;
  readonly #problems: VerifyProblem[] = [];
  readonly #packs = new Set<string>();
  #problemCount = 0;
  #suspectPageCount = 0;
  #checkedFiles = 0;
  #checkedBytes = 0n;

  constructor(deps: VerifyDeps, request: VerifyRequest, control: ActControl) {
    this.#deps = deps;
    this.#request = request;
    this.#control = control;
  }

  async run(): Promise<VerifyReport> {
    const { area } = this.#deps;
    this.#control.emit({
      kind: "phase",
      phase: "verifying",
      message: `reading the manifest of ${this.#request.backupId}`,
    });
    try {
      const manifest = await area.openManifest(this.#request.backupId);
      await this.#checkLayout(manifest);
      await this.#checkFrames(manifest);
    } catch (error) {
      if (!(error instanceof AppError && error.code === "manifest-damaged")) throw error;
      this.#report({ code: "manifest-damaged", path: null, blocks: [], packId: null, sentence: error.message });
    }
    return {
      backupId: this.#request.backupId,
      ok: this.#problemCount === 0,
      checkedFiles: this.#checkedFiles,
      checkedBytes: this.#checkedBytes,
      checkedPacks: this.#packs.size,
      problems: this.#problems,
      problemCount: this.#problemCount,
      suspectPageCount: this.#suspectPageCount,
    };
  }

  /** What the manifest alone can prove: the runs fill each file, and their CRCs combine to the whole file's. */
  async #checkLayout(manifest: ManifestReader): Promise<void> {
    for await (const entry of manifest.entries()) {
      throwIfCancelled(this.#control.signal);
      if (entry.kind !== "file") continue;
      this.#checkedFiles++;
      const path = Buffer.from(entry.path).toString("utf8");
      const { reached, crc } = combineExtents(entry);
      if (reached !== entry.sizeBytes) {
        this.#report({
          code: "file-layout",
          path,
          blocks: [],
          packId: null,
          sentence: `${path}: the manifest accounts for ${reached} of ${entry.sizeBytes} bytes`,
        });
      } else if (crc !== entry.crc32c) {
        this.#report({
          code: "file-checksum",
          path,
          blocks: [],
          packId: null,
          sentence: `${path}: its parts do not add up to the checksum of the whole file`,
        });
      }
    }
  }

  async #checkFrames(manifest: ManifestReader): Promise<void> {
    const { facts, plainBytes } = manifest.backup;
    const progress = new ProgressMeter(this.#control, this.#deps.clock, plainBytes);
    const suspects = knownSuspects(facts);
    const { signal } = this.#control;
    await visitFrames({ manifest, frames: this.#deps.area.frames(), signal, packsInFlight: 1 }, async (visit) => {
      this.#packs.add(visit.packId);
      for (const run of visit.runs) {
        this.#checkRun(visit, run, facts, suspects);
        this.#checkedBytes += BigInt(run.lengthBytes);
        progress.add(run.lengthBytes);
      }
    });
    progress.finish();
  }

  #checkRun(visit: FrameVisit, run: PlacedRun, facts: BackupFacts, suspects: ReadonlySet<string>): void {
    const path = Buffer.from(run.path).toString("utf8");
    const blocks = blocksOf(run, facts.blockSize);
    const { packId, opened } = visit;
    if (opened.kind === "damaged") {
      const sentence = `${path}, ${sayBlocks(blocks)}: frame ${opened.frameIndex} of pack ${packId} is damaged (${opened.reason})`;
      this.#report({ code: "frame-damaged", path, blocks, packId, sentence });
      return;
    }
    const bytes = runBytes(opened.plain, run);
    const whole = bytes.length === opened.plain.length;
    if ((whole ? opened.crc32c : crc32c(bytes)) !== run.crc32c || bytes.length !== run.lengthBytes) {
      const sentence = `${path}, ${sayBlocks(blocks)}: the bytes in pack ${packId} are not those the manifest names`;
      this.#report({ code: "run-checksum", path, blocks, packId, sentence });
      return;
    }
    if (facts.checksumsEnabled) this.#checkPages(bytes, run, path, packId, facts, suspects);
  }

  #checkPages(
    bytes: Uint8Array,
    run: PlacedRun,
    path: string,
    packId: string,
    facts: BackupFacts,
    suspects: ReadonlySet<string>,
  ): void {
    const inspection = pageInspectionOf(
      run.path,
      { blockSize: facts.blockSize, blocksPerSegment: blocksPerSegment(facts) },
      facts.startLsn,
    );
    if (inspection === null) return;
    const wrong = inspectPages(bytes, inspection, Number(run.fileOffset));
    const unknown = wrong.filter((block) => !suspects.has(`${path}:${block}`));
    this.#suspectPageCount += wrong.length - unknown.length;
    if (unknown.length === 0) return;
    const sentence = `${path}, ${sayBlocks(unknown)}: the page checksum is wrong`;
    this.#report({ code: "page-checksum", path, blocks: unknown, packId, sentence });
  }

  #report(problem: VerifyProblem): void {
    this.#problemCount++;
    if (this.#problems.length >= problemsListed) return;
    this.#problems.push(problem);
    this.#control.emit({ kind: "log", level: "error", message: problem.sentence });
  }
}

/** The bytes of a run within its frame; shorter than asked when the frame is. */
export function runBytes(plain: Uint8Array, run: PlacedRun): Uint8Array {
  return plain.subarray(run.offsetInFrame, run.offsetInFrame + run.lengthBytes);
}

/** relseg_size is 1 GiB in every usual build, whatever the block size. */
export function blocksPerSegment(facts: BackupFacts): number {
  return 1024 ** 3 / facts.blockSize;
}

/** Numbers, within their file, of the blocks a run touches. */
export function blocksOf(run: PlacedRun, blockSize: number): number[] {
  const first = Math.floor(Number(run.fileOffset) / blockSize);
  const last = Math.floor((Number(run.fileOffset) + Math.max(1, run.lengthBytes) - 1) / blockSize);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** `block 7`, `blocks 16 to 31`, `blocks 3, 9 and 12`. */
export function sayBlocks(blocks: readonly number[]): string {
  const first = blocks[0];
  const last = blocks.at(-1);
  if (first === undefined || last === undefined) return "no block";
  if (blocks.length === 1) return `block ${first}`;
  if (last - first === blocks.length - 1) return `blocks ${first} to ${last}`;
  const shown = blocks.slice(0, 20);
  return `blocks ${shown.slice(0, -1).join(", ")} and ${blocks.length > shown.length ? `${blocks.length - shown.length + 1} more` : shown.at(-1)}`;
}

function combineExtents(file: ManifestFile): { readonly reached: bigint; readonly crc: number } {
  let reached = 0n;
  let crc = 0;
  for (const extent of file.extents) {
    if (extent.fileOffset !== reached) return { reached, crc };
    const length = BigInt(extent.lengthBytes);
    crc = combineCrc32c(crc, extent.kind === "zeros" ? zerosCrc32c(length) : extent.crc32c, length);
    reached += length;
  }
  return { reached, crc };
}

/** CRC-32C of so many zero bytes, by doubling: no bytes are touched. */
function zerosCrc32c(length: bigint): number {
  let crc = 0;
  let piece = zeroByteCrc32c;
  let pieceLength = 1n;
  for (let rest = length; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) crc = combineCrc32c(crc, piece, pieceLength);
    piece = combineCrc32c(piece, piece, pieceLength);
    pieceLength *= 2n;
  }
  return crc;
}

const zeroByteCrc32c = crc32c(new Uint8Array(1));

function knownSuspects(facts: BackupFacts): ReadonlySet<string> {
  return new Set(facts.suspectPages.flatMap(({ path, blocks }) => blocks.map((block) => `${path}:${block}`)));
}

function damageText(report: VerifyReport, first: VerifyProblem): string {
  const packs = [...new Set(report.problems.flatMap(({ packId }) => (packId === null ? [] : [packId])))].slice(
    0,
    packsNamed,
  );
  const more = report.problemCount > 1 ? ` and ${report.problemCount - 1} more problems` : "";
  return `${first.sentence}${more}${packs.length === 0 ? "" : `; packs: ${packs.join(" ")}`}`;
}

const problemsListed = 1000;
/** A mark is a small fact; a repository with more damaged packs has other worries. */
const packsNamed = 200;
