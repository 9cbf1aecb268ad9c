import { AppError } from "@tidemark/kit";
import {
  type BackupLabel,
  formatLsn,
  type Lsn,
  locateRelation,
  type ReplicationSession,
  type SqlSession,
} from "@tidemark/postgres";
import type { BackupReading, BackupWriter } from "@tidemark/repository";
import type { ActControl } from "../act.ts";
import type { SourceDetails } from "./backup-source.ts";
import type { FileComparison, Increments } from "./incoming-files.ts";
import type { IncrementalPlan } from "./incremental-plan.ts";
import { incrementalRefused } from "./incremental-refusal.ts";
import { type ReadLimits, readLimits } from "./read-limits.ts";
import { otherServer } from "./same-server.ts";
import type { LinePosition } from "./timeline-spans.ts";
import { composeUpload, type LeftOut, type ResendChooser } from "./upload-manifest.ts";
import { YoungLookup } from "./young-pages.ts";

export interface IncrementalCopyParts {
  readonly plan: IncrementalPlan;
  readonly writer: Pick<BackupWriter, "parentFile">;
  readonly session: ReplicationSession;
  readonly details: SourceDetails;
  readonly connectSql: (signal: AbortSignal) => Promise<SqlSession>;
  readonly resends: ResendChooser;
  readonly comparison: FileComparison | null;
  readonly control: ActControl;
}

/** One incremental copy, from the manifest that is uploaded to what is kept of it: `upload`, `begin`, then the files. */
export class IncrementalCopy implements Increments {
  readonly comparison: FileComparison | null;
  readonly #parts: IncrementalCopyParts;
  readonly #leftOut: LeftOut = { files: 0, bytes: 0n };
  readonly #young: YoungLookup;
  #limits: ReadLimits | null = null;

  constructor(parts: IncrementalCopyParts) {
    this.#parts = parts;
    this.comparison = parts.comparison;
    this.#young = new YoungLookup(parts.plan.parent.backup.facts.youngPages);
  }

  /** Throws what the server says against the manifest. */
  async upload(): Promise<void> {
    const { plan, writer, session, resends, control } = this.#parts;
    const { parent, walRanges, cut } = plan;
    const request = { parent, writer, walRanges, cut, resends, signal: control.signal };
    await session.uploadManifest(composeUpload(request, this.#leftOut));
  }

  /** With the start the server announced, before the first file is laid: see `readLimits`. Throws `incremental-refused`. */
  async begin(start: LinePosition): Promise<void> {
    const { plan, session, details, connectSql, control } = this.#parts;
    try {
      const sql = await connectSql(control.signal);
      try {
        const other = await otherServer(sql, session, details.systemIdentifier);
        if (other !== null) throw incrementalRefused(other);
        this.#limits = await readLimits(sql, plan, start);
      } finally {
        await sql.close();
      }
    } catch (error) {
      if (control.signal.aborted || !(error instanceof AppError) || error.code === "incremental-refused") throw error;
      throw incrementalRefused(`the WAL summaries could not be read: ${error.message}`, error);
    }
  }

  /** Throws `incremental-refused` for a file of which the server may not have sent all that changed. */
  zerosFrom(path: string): bigint | null {
    if (this.#limits === null)
      throw new AppError("internal", { message: "an increment came before its limits were read" });
    const { limits, doubtful } = this.#limits;
    const place = locateRelation(path);
    if (place !== null && doubtful.has(place)) {
      throw incrementalRefused(
        `${path} was cut and changed behind the cut just now, which the server may not tell whole`,
      );
    }
    const zerosFrom = limits.zerosFrom(path, this.#parts.details);
    // Such a file the server sends in full: that it did not means that it knows other limits than we do.
    if (zerosFrom === 0n) throw incrementalRefused(`${path} came as an increment although all of it was cut off`);
    return zerosFrom;
  }

  /** Throws `incremental-refused` when a page that would be carried was changed behind the parent's start: see young-pages.ts. */
  assertNamed(path: string, blocks: Uint32Array, wholeBlocks: number): void {
    const zerosFrom = this.zerosFrom(path);
    const limit = zerosFrom === null ? wholeBlocks : Number(zerosFrom / BigInt(this.#parts.details.blockSize));
    const block = this.#young.firstUnnamed(path, blocks, Math.min(wholeBlocks, limit));
    if (block === null) return;
    throw incrementalRefused(
      `block ${block} of ${path} was written while the last backup ran, and no WAL of the server's since then names it: the server was put back to an earlier state, and went on differently`,
    );
  }

  /** Throws `incremental-refused` unless the server built on what we meant. */
  assertLabel({ incrementalFromLsn, incrementalFromTimeline }: BackupLabel): void {
    const { from } = this.#parts.plan;
    if (incrementalFromLsn === from.lsn && incrementalFromTimeline === from.timeline) return;
    const said = incrementalFromLsn === null ? "nothing" : formatLsn(incrementalFromLsn);
    throw incrementalRefused(`the server built on ${said} and not on ${formatLsn(from.lsn as Lsn)}`);
  }

  get reading(): BackupReading {
    const { parentId, from } = this.#parts.plan;
    return {
      kind: "incremental",
      fromBackupId: parentId,
      fromLsn: from.lsn,
      fromTimeline: from.timeline,
      resentFiles: this.#leftOut.files,
      resentBytes: this.#leftOut.bytes,
    };
  }
}
