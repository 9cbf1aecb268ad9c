import { AppError } from "@tidemark/kit";
import { describe, expect, it } from "vitest";
import { errorLine, longestLine, parseAgentRequest, readAnswer } from "./agent-protocol.ts";

describe("the archive protocol", () => {
  it("takes the rest of the line for the path, blanks included", () => {
    expect(
      parseAgentRequest("ARCHIVE 000000010000000000000003 /var/lib/my data/pg_wal/000000010000000000000003"),
    ).toEqual({
      kind: "archive",
      name: "000000010000000000000003",
      path: "/var/lib/my data/pg_wal/000000010000000000000003",
    });
    expect(parseAgentRequest("PING")).toEqual({ kind: "ping" });
  });

  it.each([
    "",
    "ping",
    "ARCHIVE",
    "ARCHIVE 000000010000000000000003",
    "ARCHIVE 000000010000000000000003 pg_wal/000000010000000000000003",
    "ARCHIVE 000000010000000000000003 /pg_wal/000000010000000000000004",
    "ARCHIVE ../3 /pg_wal/../3",
  ])("does not understand %j", (line) => {
    expect(parseAgentRequest(line)).toBeNull();
  });

  it("carries an error with its code, on one line", () => {
    const line = errorLine(new AppError("wal-conflict", { message: "other bytes\nare there" }));
    expect(line).toBe("ERROR wal-conflict other bytes are there");
    expect(() => readAnswer(line)).toThrow(
      expect.objectContaining({ code: "wal-conflict", message: "other bytes are there" }),
    );
    const helpful = errorLine(new AppError("storage-full", { message: "it is full", hint: "make room" }));
    expect(helpful).toBe("ERROR storage-full it is full - make room");
    const long = errorLine(new AppError("storage-full", { message: "x".repeat(100_000) }));
    expect(Buffer.byteLength(long)).toBeLessThanOrEqual(longestLine);
    expect(() => readAnswer("OK")).not.toThrow();
    expect(() => readAnswer("OKAY")).toThrow(expect.objectContaining({ code: "protocol-violation" }));
  });
});
