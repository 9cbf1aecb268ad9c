import { describe, expect, it } from "vitest";
import { checksExitCode, printChecks, type ServerCheck } from "./server-check.ts";
import { captureOutput } from "./test-output.ts";

function check(change: Partial<ServerCheck>): ServerCheck {
  return {
    id: "wal-level",
    title: "WAL level",
    state: "found",
    severity: "blocks-backup",
    read: "wal_level",
    required: "replica or logical",
    found: "minimal",
    why: "a copy cannot be made consistent without WAL",
    remedy: { sql: "ALTER SYSTEM SET wal_level = replica;", needs: "restart" },
    ...change,
  };
}

const good = check({ id: "checksums", state: "ok", severity: "risk", remedy: null });
const note = check({ id: "compression", severity: "note", remedy: null });
const risk = check({ id: "fsync", severity: "risk", remedy: { settings: "fsync = on", needs: "reload" } });
const wal = check({
  id: "max-wal-senders",
  severity: "blocks-wal",
  remedy: {
    hba: "host replication all ::1/128 scram-sha-256\nhost all all ::1/128 scram-sha-256",
    advice: "see the log",
  },
});
const unasked = check({ id: "archiver", state: "not-asked", found: "the role may not read it" });

describe("server check -o json", () => {
  it("prints one array of what was found, worst first, each with what a script needs to mend it", () => {
    const { output, written } = captureOutput("json");
    printChecks(output, [note, good, risk, wal, unasked, check({})]);
    const findings = JSON.parse(written()) as Record<string, unknown>[];
    expect(findings.map((one) => [one.id, one.severity])).toEqual([
      ["wal-level", "blocks-backup"],
      ["max-wal-senders", "blocks-wal"],
      ["fsync", "risk"],
      ["compression", "note"],
    ]);
    expect(findings[0]).toEqual({
      id: "wal-level",
      severity: "blocks-backup",
      title: "WAL level",
      read: "wal_level",
      found: "minimal",
      required: "replica or logical",
      why: "a copy cannot be made consistent without WAL",
      remedy: { sql: "ALTER SYSTEM SET wal_level = replica;", needs: "restart" },
    });
    expect(findings[3]?.remedy).toEqual({});
  });

  it("prints an empty array when all is well, and a line for each finding as ndjson", () => {
    const none = captureOutput("json");
    printChecks(none.output, [good]);
    expect(JSON.parse(none.written())).toEqual([]);
    const lines = captureOutput("ndjson");
    printChecks(lines.output, [risk, check({}), good]);
    const ids = lines
      .written()
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { id: string }).id);
    expect(ids).toEqual(["wal-level", "fsync"]);
  });
});

it.each<[string, readonly ServerCheck[], number]>([
  ["nothing was asked", [], 0],
  ["all is well", [good], 0],
  ["something is found that does not block backups", [wal, risk, note], 0],
  ["a check that would block could not be asked", [unasked], 0],
  ["one blocks backups", [good, check({})], 1],
])("exits when %s", (_when, checks, expected) => {
  expect(checksExitCode(checks)).toBe(expected);
});

it("groups for people by what is threatened, with the remedies in blocks to copy", () => {
  const { output, written } = captureOutput("table");
  printChecks(output, [good, risk, wal, unasked, check({})]);
  expect(written()).toBe(`Blocks backups

  wal-level: WAL level
    found     minimal
    required  replica or logical
    because   a copy cannot be made consistent without WAL
    run as a superuser:

        ALTER SYSTEM SET wal_level = replica;

    then restart the server

Blocks WAL

  max-wal-senders: WAL level
    found     minimal
    required  replica or logical
    because   a copy cannot be made consistent without WAL
    at the top of pg_hba.conf:

        host replication all ::1/128 scram-sha-256
        host all all ::1/128 scram-sha-256

    see the log

Risks

  fsync: WAL level
    found     minimal
    required  replica or logical
    because   a copy cannot be made consistent without WAL
    in postgresql.conf:

        fsync = on

    then reload the server: SELECT pg_reload_conf();

Not asked

  archiver: the role may not read it

5 checks: 1 ok, 3 found, 1 not asked
`);
});
