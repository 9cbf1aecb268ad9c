import { AppError, type ErrorCode } from "@tidemark/kit";
import { describe, expect, it } from "vitest";
import { type DrillCheck, plainCheck } from "./drill-question.ts";
import { explainChecks, explainFailure } from "./explain-failure.ts";

const scratch = "/srv/scratch/drill-1";
const full = '2026-11-22 08:00:01 UTC [8] FATAL:  could not write to file "pg_wal/x": No space left on device\n';
const noZstd =
  "2026-11-22 08:00:01 UTC [8] FATAL:  could not decompress image at 0/3000028, compressed with zstd not supported by build, block 0\n";
const noLibrary = '2026-11-22 08:00:01 UTC [8] FATAL:  could not load library "/usr/lib/x.so": no such file\n';
const explain = (code: ErrorCode, log = "") => explainFailure(new AppError(code, { message: "said so" }), log, scratch);

describe("what ended a drill", () => {
  it.each([
    "postgres-binaries-missing",
    "target-full",
    "target-not-writable",
    "target-not-empty",
    "disk-full",
    "install-failed",
    "port-taken",
    "drill-not-possible",
  ] as const)("%s speaks about this machine only", (code) => {
    expect(explain(code)).toEqual({ outcome: "not-possible", reason: "said so", check: null });
  });

  it.each(["backup-damaged", "manifest-damaged"] as const)(
    "%s proves that bytes are bad, on a full disk too",
    (code) => {
      const check = { name: "restored", ok: false, detail: "said so", provesDamage: true };
      for (const log of ["", full]) expect(explain(code, log)).toEqual({ outcome: "failed", reason: "said so", check });
    },
  );

  it.each([
    ["postgres-start-failed", "started"],
    ["recovery-failed", "reached the target"],
  ] as const)("%s fails the check “%s”, and proves no damage", (code, name) => {
    expect(explain(code, "LOG:  ready")).toEqual({
      outcome: "failed",
      reason: "said so",
      check: plainCheck(name, false, "said so"),
    });
  });

  it.each([
    ["a full disk", full, /no space left for \/srv\/scratch\/drill-1$/],
    ["a build without zstd", noZstd, /lacks a feature the cluster uses: .*not supported by build/],
    ["a missing library", noLibrary, /lacks a feature the cluster uses: .*could not load library/],
  ])("is no verdict where the server's log tells of %s", (_what, log, reason) => {
    for (const code of ["postgres-start-failed", "recovery-failed"] as const) {
      expect(explain(code, log)).toEqual({
        outcome: "not-possible",
        reason: expect.stringMatching(reason),
        check: null,
      });
    }
  });

  it("is the backup's failure where the words of a full disk are somebody's data", () => {
    const log = "2026-11-22 08:00:01 UTC [8] STATEMENT:  SELECT 'No space left on device'\n";
    expect(explain("recovery-failed", log)?.outcome).toBe("failed");
  });

  it.each(["plan-stale", "not-found", "manifest-missing", "internal", "storage-throttled"] as const)(
    "%s says nothing of either: the repository could not be asked",
    (code) => {
      expect(explain(code)).toBeNull();
    },
  );

  it("is a failure when nobody knows better", () => {
    expect(explain("wal-damaged")).toEqual({ outcome: "failed", reason: "said so", check: null });
  });
});

describe("what the checks say", () => {
  const bad = (name: string, provesDamage = false): DrillCheck => ({ name, ok: false, detail: "wrong", provesDamage });

  it("is nothing where all are good, whatever the log holds", () => {
    expect(explainChecks([plainCheck("started", true, "yes")], full, scratch)).toBeNull();
  });

  it("is the first that failed, and how many more", () => {
    const one = [plainCheck("started", true, "yes"), bad("rows")];
    expect(explainChecks(one, "", scratch)).toEqual({ outcome: "failed", reason: "rows: wrong" });
    expect(explainChecks([...one, bad("pages")], "", scratch)?.reason).toBe("rows: wrong (and 1 more)");
  });

  it("is no verdict on a full disk, unless bytes are proved wrong", () => {
    expect(explainChecks([bad("rows")], full, scratch)?.outcome).toBe("not-possible");
    expect(explainChecks([bad("rows"), bad("page checksums", true)], full, scratch)?.outcome).toBe("failed");
  });
});
