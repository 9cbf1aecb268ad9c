import { AppError } from "@tidemark/kit";
import { getIntrospectionQuery, parse } from "graphql";
import { describe, expect, it } from "vitest";
import type { Principal } from "../auth/principal.ts";
import type { GraphqlContext } from "./context.ts";
import { checkOperation, operationLimits } from "./operation-rules.ts";
import { buildSchema } from "./schema.ts";

const schema = buildSchema();
const admin: Principal = {
  kind: "user",
  id: "u",
  name: "admin",
  access: "full",
  mustChangePassword: false,
  actor: "user:admin",
};

function codeOf(
  query: string,
  options: { principal?: Principal | null; variables?: object; operationName?: string } = {},
): string {
  const context = { principal: options.principal === undefined ? admin : options.principal } as GraphqlContext;
  try {
    checkOperation({
      schema,
      document: parse(query),
      operationName: options.operationName,
      variables: { ...options.variables },
      context,
    });
    return "allowed";
  } catch (error) {
    return error instanceof AppError ? error.code : String(error);
  }
}

const nested = (levels: number) =>
  `{ backup(id: "x") ${"{ server { lastBackup ".repeat(levels)} { id } ${"} }".repeat(levels)} }`;

describe("checkOperation", () => {
  it("allows the deepest operation within the limit and refuses one level more", () => {
    // backup, then server and lastBackup per level, then id
    expect(codeOf(nested((operationLimits.depth - 2) / 2))).toBe("allowed");
    expect(codeOf(nested(operationLimits.depth / 2))).toBe("query-too-deep");
  });

  it("counts depth through fragments", () => {
    const inner = "{ server { lastBackup ".repeat(6);
    const query = `query { backup(id: "x") { ...f } } fragment f on Backup { server { lastBackup ${inner} { id } ${"} }".repeat(6)} } }`;
    expect(codeOf(query)).toBe("query-too-deep");
  });

  it("counts pages by their size, also when it comes in a variable", () => {
    const query = "query ($n: Int) { servers(first: $n) { nodes { backups(first: $n) { nodes { id } } } } }";
    expect(codeOf(query, { variables: { n: 10 } })).toBe("allowed");
    expect(codeOf(query, { variables: { n: 100 } })).toBe("query-too-costly");
  });

  it("leaves a page out of range to the store, which says so", () => {
    expect(codeOf("{ servers(first: 1000000) { nodes { id } } }")).toBe("allowed");
  });

  it("refuses the same field asked a thousand times under other names", () => {
    const query = `{ ${Array.from({ length: 1_000 }, (_, index) => `a${index}: overview { sentence }`).join(" ")} }`;
    expect(codeOf(query)).toBe("query-too-costly");
  });

  it("judges the operation that is named, not its neighbours", () => {
    const query = `query small { viewer { name } } query large ${nested(9)}`;
    expect(codeOf(query, { operationName: "small" })).toBe("allowed");
    expect(codeOf(query, { operationName: "large" })).toBe("query-too-deep");
    expect(codeOf(query)).toBe("bad-request");
  });

  it("shows the schema to whoever is logged in and to nobody else", () => {
    expect(codeOf(getIntrospectionQuery())).toBe("allowed");
    expect(codeOf(getIntrospectionQuery(), { principal: null })).toBe("not-authenticated");
    expect(codeOf("{ viewer { name } __typename }", { principal: null })).toBe("allowed");
    expect(codeOf("{ ... on Query { system { version } } }", { principal: null })).toBe("not-authenticated");
    expect(codeOf('subscription { runEvents(runId: "x") { seq } }', { principal: null })).toBe("not-authenticated");
  });
});
