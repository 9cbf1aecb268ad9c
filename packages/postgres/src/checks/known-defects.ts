import type { Severity } from "./check.ts";

/** A defect of some minor releases that touches backups, until the minor that mended it. */
export interface KnownDefect {
  readonly major: number;
  /** The first minor without it. */
  readonly fixedIn: number;
  readonly severity: Extract<Severity, "risk" | "note">;
  /** Where the server summarizes its WAL, and our backups of it are incremental; `severity` unless given. */
  readonly whenSummarizing?: Extract<Severity, "risk" | "note">;
  readonly what: string;
  /** Where the PostgreSQL project says so. */
  readonly source: string;
}

/**
 * What the release notes say of backups, as far as it concerns servers (not their client programs alone): incremental
 * backups came with 17 and were mended several times. `risk`: what a backup of ours contains may be wrong, or backups
 * stop, or the server comes into danger. `note`: ours go another way: they lay increments over what is stored themselves,
 * always take visibility maps in full, and take everything where the summaries do not reach.
 *
 * A summarizer that stands still is a risk of its own where it runs: the server keeps all WAL it has not summarized yet,
 * until its disk is full.
 */
export const knownDefects: readonly KnownDefect[] = [
  {
    major: 17,
    fixedIn: 1,
    severity: "note",
    what: "pg_combinebackup does not notice an incremental file inside what should be the full backup",
    source: "release notes of 17.1",
  },
  {
    major: 17,
    fixedIn: 8,
    severity: "note",
    what: "an incremental backup of a table above 1 GB that was truncated cannot be restored",
    source: "release notes of 17.8",
  },
  {
    major: 17,
    fixedIn: 10,
    severity: "note",
    what: "incremental backups contain visibility maps that did not change",
    source: "release notes of 17.10",
  },
  {
    major: 17,
    fixedIn: 11,
    severity: "note",
    what: "the WAL summarizer misses changes of visibility maps",
    source: "release notes of 17.11",
  },
  {
    major: 17,
    fixedIn: 11,
    severity: "note",
    whenSummarizing: "risk",
    what: "the WAL summarizer may stand still at a change of timeline: backups read everything then, and the server removes no WAL",
    source: "release notes of 17.11",
  },
  {
    major: 18,
    fixedIn: 2,
    severity: "note",
    what: "an incremental backup of a table above 1 GB that was truncated cannot be restored",
    source: "release notes of 18.2",
  },
  {
    major: 18,
    fixedIn: 4,
    severity: "note",
    what: "incremental backups contain visibility maps that did not change",
    source: "release notes of 18.4",
  },
  {
    major: 18,
    fixedIn: 6,
    severity: "note",
    what: "the WAL summarizer misses changes of visibility maps",
    source: "release notes of 18.6",
  },
  {
    major: 18,
    fixedIn: 6,
    severity: "note",
    whenSummarizing: "risk",
    what: "the WAL summarizer may stand still at a change of timeline: backups read everything then, and the server removes no WAL",
    source: "release notes of 18.6",
  },
];

/** When the PostgreSQL project gives its last minor release of a major (postgresql.org/support/versioning). */
export const lastReleases: ReadonlyMap<number, string> = new Map([
  [13, "2025-11-13"],
  [14, "2026-11-12"],
  [15, "2027-11-11"],
  [16, "2028-11-09"],
  [17, "2029-11-08"],
  [18, "2030-11-14"],
]);
