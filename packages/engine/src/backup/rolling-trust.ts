import { AppError } from "@tidemark/kit";
import { locateRelation, readNamedBlocks, readWalSummaries, type SqlSession } from "@tidemark/postgres";
import type { BackupWriter, FrameSource, TrustFinding } from "@tidemark/repository";
import { type ActControl, throwIfCancelled } from "../act.ts";
import type { SourceDetails } from "./backup-source.ts";
import type { FileComparison } from "./incoming-files.ts";
import type { IncrementalPlan } from "./incremental-plan.ts";
import { firstUnsummarized, type LinePosition, spansBetween, summariesOf } from "./timeline-spans.ts";
import { TrustComparison } from "./trust-comparison.ts";
import { type NamedBlocks, TrustFindings } from "./trust-findings.ts";

export interface RollingTrustParts {
  readonly plan: Pick<IncrementalPlan, "parent" | "line" | "from">;
  readonly writer: Pick<BackupWriter, "parentExtents">;
  readonly frames: FrameSource;
  readonly details: SourceDetails;
  readonly connectSql: (signal: AbortSignal) => Promise<SqlSession>;
  readonly control: ActControl;
}

/** What an incremental copy looks at while files come again that the parent has, and what it says of them at the end. */
export class RollingTrust {
  readonly comparison: FileComparison;
  readonly #parts: RollingTrustParts;
  readonly #findings: TrustFindings;

  constructor(parts: RollingTrustParts) {
    const { plan, writer, frames, details, control } = parts;
    this.#parts = parts;
    this.#findings = new TrustFindings(control);
    this.comparison = new TrustComparison({
      parentExtents: (path) => writer.parentExtents(path),
      frames,
      findings: this.#findings,
      layout: details,
      major: details.major,
      parentStartLsn: plan.parent.backup.facts.startLsn,
      signal: control.signal,
    });
  }

  /**
   * To be called when all files have come, with the start the server announced. That the summaries cannot be asked (they
   * expire) costs certainty about pages of zeros, and never the backup.
   */
  async settle(start: LinePosition): Promise<readonly TrustFinding[]> {
    if (this.#findings.isEmpty) return [];
    const { control } = this.#parts;
    try {
      const sql = await this.#parts.connectSql(control.signal);
      try {
        return await this.#findings.settle(await this.#namedBlocks(sql, start));
      } finally {
        await sql.close();
      }
    } catch (error) {
      throwIfCancelled(control.signal);
      if (!(error instanceof AppError) || error.code === "internal") throw error;
      const message = `pages differ from what is stored, and the WAL summaries that may explain it could not be read: ${error.message}`;
      control.emit({ kind: "log", level: "warning", message });
      return await this.#findings.settle(null);
    }
  }

  /** Null when part of the interval is not summarized any more. */
  async #namedBlocks(sql: SqlSession, start: LinePosition): Promise<NamedBlocks | null> {
    const { line, from } = this.#parts.plan;
    const spans = spansBetween(line, from, start) ?? [];
    const all = await readWalSummaries(sql);
    if (spans.length === 0 || spans.some((span) => firstUnsummarized(all, span) !== null)) return null;
    const summaries = spans.flatMap((span) => summariesOf(all, span));
    return async (path, blocks) => {
      const place = locateRelation(path);
      return place === null ? new Set() : await readNamedBlocks(sql, summaries, place, blocks);
    };
  }
}
