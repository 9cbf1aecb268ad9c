import { describe, expect, it } from "vitest";
import { openApiDocument } from "./openapi.ts";
import { operations } from "./operations.ts";

interface Described {
  readonly paths: Record<
    string,
    Record<
      string,
      { operationId: string; responses: Record<string, unknown>; parameters: { name: string; in: string }[] }
    >
  >;
}

describe("openApiDocument", () => {
  const document = JSON.parse(JSON.stringify(openApiDocument())) as Described;

  it("has every operation under a name of its own, with its path's parameters and an error answer", () => {
    const described = Object.values(document.paths).flatMap((path) => Object.values(path));
    expect(described).toHaveLength(operations.length);
    expect(new Set(described.map((one) => one.operationId)).size).toBe(operations.length);
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const one of Object.values(methods)) {
        const named = one.parameters
          .filter((parameter) => parameter.in === "path")
          .map((parameter) => `{${parameter.name}}`);
        expect(path.match(/\{\w+\}/g) ?? []).toEqual(named);
        expect(one.responses.default).toBeDefined();
      }
    }
  });

  it("offers an idempotency key wherever something is begun", () => {
    for (const methods of Object.values(document.paths)) {
      const names = methods.post?.parameters.map((parameter) => parameter.name);
      if (names !== undefined) expect(names).toContain("Idempotency-Key");
    }
  });
});
