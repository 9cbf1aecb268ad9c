import { AppError, type ErrorCode, errorCodes } from "@tidemark/kit";
import { describe, expect, it } from "vitest";
import { errorStatus } from "./error-status.ts";
import { maskGraphqlError } from "./graphql-error.ts";
import { toProblem } from "./problem.ts";

const logged: unknown[] = [];
const logger = { error: (...args: unknown[]) => logged.push(args) } as never;

describe("what an error answers with", () => {
  it("is a status of the right class for every code there is", () => {
    for (const code of Object.keys(errorCodes) as ErrorCode[]) {
      const status = errorStatus(new AppError(code, { message: "x" }));
      const { blame } = errorCodes[code];
      if (blame === "user") expect([code, status >= 400 && status < 500]).toEqual([code, true]);
      if (blame === "tidemark") expect([code, status]).toEqual([code, 500]);
    }
    expect(errorStatus(new AppError("not-found", { message: "x" }))).toBe(404);
    expect(errorStatus(new AppError("token-expired", { message: "x" }))).toBe(401);
    expect(errorStatus(new AppError("host-unknown", { message: "x" }))).toBe(502);
    expect(errorStatus(new AppError("metadata-unreachable", { message: "x" }))).toBe(503);
  });

  it("is the same code on both surfaces, without a password that was typed in the wrong place", () => {
    const error = new AppError("not-found", {
      message: "there is no server postgresql://u:secret@h/db",
      hint: "look",
      context: { field: "id" },
    });
    expect(toProblem(error)).toEqual({
      type: "urn:tidemark:problem:not-found",
      title: "Not found",
      status: 404,
      code: "not-found",
      detail: "there is no server postgresql://u:[secret]@h/db",
      hint: "look",
      field: "id",
    });
    expect(maskGraphqlError(error, logger)).toMatchObject({
      message: "there is no server postgresql://u:[secret]@h/db",
      extensions: { code: "not-found", hint: "look", blame: "user", http: { status: 404 } },
    });
  });

  it("tells nothing of an error that is not ours but the id it is logged under", () => {
    const masked = maskGraphqlError(new TypeError("cannot read secret of undefined"), logger);
    expect(masked.extensions.code).toBe("internal");
    expect(masked.message).not.toContain("secret");
    expect(JSON.stringify(logged.at(-1))).toContain(/error ([0-9a-f-]{36})/.exec(masked.message)?.[1] ?? "no id");
  });
});
