import { expectedActs } from "./expected-acts.ts";
import { expectedFacts } from "./expected-facts.ts";

/**
 * Who asks:
 *
 * - `superuser`: made by the test, not by initdb.
 * - `minimal`: roleScript for the purpose "backup".
 * - `operate`: roleScript for the purpose "operate".
 * - `noinherit`: NOINHERIT member of a group that has REPLICATION, EXECUTE on every function and is a member of every
 *   predefined role asked for; itself it holds EXECUTE on pg_read_binary_file and pg_stat_file only. From 16 on the same
 *   is also tried with an INHERIT role whose grant says WITH INHERIT FALSE.
 * - `nobody`: LOGIN and nothing else.
 */
export const expectedRoles = ["superuser", "minimal", "operate", "noinherit", "nobody"] as const;
export type ExpectedRole = (typeof expectedRoles)[number];

/**
 * One row of the tables of expected results: act × role × where, a cell a major. Cells:
 *
 * - `ok`: it is done; readPrivileges says allowed.
 * - `hidden`: answered without what the role may not see; readPrivileges says missing.
 * - an error code: refused with it; readPrivileges says missing.
 * - `n/a:` and an error code: refused with it; readPrivileges says not-available.
 */
export interface ExpectedRow {
  readonly act: string;
  readonly role: ExpectedRole;
  readonly on: "primary" | "standby" | "both";
  /** By major. */
  readonly cells: ReadonlyMap<number, string>;
}

/** The tables, read. */
export const expectedResults: readonly ExpectedRow[] = [expectedFacts, expectedActs].flatMap(readTable);

function readTable(text: string): ExpectedRow[] {
  const [head, ...rows] = text
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  const majors = (head ?? []).slice(3).map(Number);
  return rows.map(([act = "", role = "", on = "", ...cells]) => {
    if (!isRole(role) || !isPlace(on) || cells.length !== majors.length)
      throw new Error(`the row of ${act} is malformed`);
    return { act, role, on, cells: new Map(majors.map((major, index) => [major, cells[index] as string])) };
  });
}

function isRole(text: string): text is ExpectedRole {
  return expectedRoles.some((role) => role === text);
}

function isPlace(text: string): text is ExpectedRow["on"] {
  return text === "primary" || text === "standby" || text === "both";
}
