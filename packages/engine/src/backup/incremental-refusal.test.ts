import { AppError, type ErrorCode } from "@tidemark/kit";
import { describe, expect, it } from "vitest";
import { incrementalRefused, reasonForFull } from "./incremental-refusal.ts";

const error = (code: ErrorCode, context: Readonly<Record<string, string>> = {}) =>
  new AppError(code, { message: `a ${code}`, context });

describe("reasonForFull", () => {
  it.each([
    ["ours", incrementalRefused("a sentence"), "a sentence"],
    ["summaries that are missing", error("server-error", { sqlState: "55000" }), "a server-error"],
    ["a manifest the server does not like", error("server-error", { sqlState: "XX000" }), "a server-error"],
    ["a table of changes that does not fit its memory", error("server-error", { sqlState: "53200" }), "a server-error"],
    ["an increment that makes no sense", error("backup-stream-damaged"), "a backup-stream-damaged"],
    ["what does not agree with the server's manifest", error("backup-manifest-mismatch"), "a backup-manifest-mismatch"],
    ["stored bytes that are damaged", error("pack-damaged"), "a pack-damaged"],
    ["stored bytes that are gone", error("pack-missing"), "a pack-missing"],
    ["a parent that is gone", error("manifest-missing"), "a manifest-missing"],
    ["a backup somebody ended on the server", error("server-error", { sqlState: "57014" }), null],
    ["a server that stops", error("server-shutting-down", { sqlState: "57P01" }), null],
    ["a line that broke", error("backup-session-lost"), null],
    ["a standby that was promoted", error("standby-promoted"), null],
    ["WAL that is gone", error("wal-removed", { sqlState: "XX000" }), null],
    ["a run that was cancelled", error("cancelled"), null],
    ["a store that is full", error("storage-full"), null],
    ["a mistake of ours", error("internal"), null],
    ["no error of ours", new RangeError("a mistake"), null],
  ])("of %s", (_, failure, reason) => {
    expect(reasonForFull(failure)).toBe(reason);
  });
});
