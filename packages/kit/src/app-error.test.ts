import { describe, expect, it } from "vitest";
import { AppError, describeError, joinCleanup, systemErrorCode } from "./app-error.ts";
import { errorCodes, isErrorCode } from "./error-codes.ts";

const lost = new AppError("backup-session-lost", {
  message: "the session was lost",
  hint: "try again",
  context: { serverId: "srv_1" },
});

describe("AppError", () => {
  it("knows from its code whether to retry and whose turn it is", () => {
    expect(lost).toMatchObject({ name: "AppError", retry: "now", blame: "server", context: { serverId: "srv_1" } });
    expect(isErrorCode("backup-session-lost")).toBe(true);
    expect(isErrorCode("toString")).toBe(false);
  });

  it("keeps the cause, and has none when none was given", () => {
    const cause = new Error("below");
    expect(new AppError("internal", { message: "above", cause }).cause).toBe(cause);
    expect("cause" in lost).toBe(false);
  });

  it("has codes of lower-case words joined by hyphens only, since they are part of the API", () => {
    for (const code of Object.keys(errorCodes)) expect(code).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  });
});

describe("describeError", () => {
  it("shows ours as they are, the first of several, and others as internal", () => {
    expect(describeError(lost)).toEqual({
      code: "backup-session-lost",
      message: "the session was lost",
      hint: "try again",
    });
    expect(describeError(new AggregateError([lost, new Error("cleanup")]))).toMatchObject({
      code: "backup-session-lost",
    });
    expect(describeError(new TypeError("oops"))).toMatchObject({ code: "internal", message: "oops" });
    expect(describeError("text")).toMatchObject({ code: "internal", message: "text" });
  });
});

describe("joinCleanup", () => {
  it("gives the first error, with the cleanup's behind it when that failed too", async () => {
    expect(await joinCleanup(lost, async () => undefined)).toBe(lost);
    const second = new Error("cleanup");
    const joined = await joinCleanup(lost, () => Promise.reject(second));
    expect(joined).toBeInstanceOf(AggregateError);
    expect(joined).toMatchObject({ errors: [lost, second], cause: lost });
    expect(describeError(joined).code).toBe("backup-session-lost");
  });
});

describe("systemErrorCode", () => {
  it("reads the code of a system error and nothing else", () => {
    expect(systemErrorCode(Object.assign(new Error("x"), { code: "ENOENT" }))).toBe("ENOENT");
    for (const other of [new Error("x"), { code: 5 }, null, "ENOENT", undefined])
      expect(systemErrorCode(other)).toBeUndefined();
  });
});
