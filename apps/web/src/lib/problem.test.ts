import { describe, expect, it } from "vitest";
import { needsSignIn, RequestError, readAnswer, toProblem } from "./problem.ts";

describe("readAnswer", () => {
  it("gives the data of a whole answer", () => {
    expect(readAnswer({ data: { viewer: null } }, 200)).toEqual({ viewer: null });
  });

  it("throws the first error with its code and hint, even beside partial data", () => {
    const answer = { data: { a: 1 }, errors: [{ message: "m", extensions: { code: "not-found", hint: "h" } }] };
    expect(() => readAnswer(answer, 200)).toThrow(RequestError);
    try {
      readAnswer(answer, 200);
    } catch (error) {
      expect(toProblem(error)).toEqual({ code: "not-found", message: "m", hint: "h", field: null });
    }
  });

  it("throws what the api says outside GraphQL, as when it has lost its database", () => {
    const document = {
      code: "metadata-unreachable",
      title: "Metadata unreachable",
      detail: "d",
      hint: "h",
      status: 503,
    };
    try {
      readAnswer(document, 503);
      expect.unreachable();
    } catch (error) {
      expect(toProblem(error)).toEqual({ code: "metadata-unreachable", message: "d", hint: "h", field: null });
    }
  });

  it.each([[null], ["<html>"], [{}], [[]]])("calls %j an unreachable api, not an empty answer", (answer) => {
    try {
      readAnswer(answer, 502);
      expect.unreachable();
    } catch (error) {
      expect(toProblem(error).code).toBe("api-unreachable");
    }
  });
});

it("sends to the login page for what signing in heals, and for nothing else", () => {
  const problem = (code: string) => ({ code, message: "", hint: null, field: null });
  expect(needsSignIn(problem("not-authenticated"))).toBe(true);
  expect(needsSignIn(problem("not-allowed"))).toBe(false);
});
