import { AppError } from "@tidemark/kit";
import { fakeClock } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { checkDatabases } from "./drill-checks.ts";
import type { DrillSession, TextRow } from "./drill-sql.ts";

type Reply = readonly TextRow[] | AppError;

const refusal = (sqlState: string, routine = "somewhere") =>
  new AppError("server-error", { message: `the server said ${sqlState}`, context: { sqlState, routine } });

/** One database `app` with a table and two indexes; `replies` overrule by the first pattern that matches. */
function sessions(replies: readonly (readonly [RegExp, Reply])[] = []) {
  const usual: readonly (readonly [RegExp, Reply])[] = [
    [/pg_is_in_recovery/, [{ answer: "false" }]],
    [/FROM pg_database WHERE datallowconn/, [{ datname: "app" }]],
    [/FROM pg_class c JOIN pg_namespace/, [{ name: "public.orders" }]],
    [/^SELECT count/, [{ answer: "42" }]],
    [/pg_available_extensions/, [{ name: "amcheck" }]],
    [/CREATE EXTENSION/, []],
    [/FROM pg_extension/, [{ name: "pg_catalog" }]],
    [/FROM pg_attribute/, []],
    [
      /FROM pg_index/,
      [
        { oid: "1", name: "orders_pkey", comparable: "true" },
        { oid: "2", name: "orders_name", comparable: "false" },
      ],
    ],
    [/bt_index_check/, [{ answer: "" }]],
  ];
  return async (): Promise<DrillSession> => ({
    query: async (sql) => {
      const reply = [...replies, ...usual].find(([pattern]) => pattern.test(sql.trim()))?.[1];
      if (reply === undefined) throw new Error(`nobody expected ${sql}`);
      if (reply instanceof AppError) throw reply;
      return reply;
    },
    close: async () => undefined,
  });
}

const options = { budgetMs: 1000, clock: fakeClock(), signal: new AbortController().signal };
const run = async (...replies: (readonly [RegExp, Reply])[]) => {
  const checks = await checkDatabases(sessions(replies), options);
  return checks.map(
    ({ name, ok, detail, provesDamage }) =>
      `${ok ? "ok" : "failed"} ${name}: ${detail}${provesDamage ? " (damage)" : ""}`,
  );
};

describe("checkDatabases", () => {
  it("counts rows, checks indexes, and leaves out those sorted by another collation version", async () => {
    expect((await run()).slice(1)).toEqual([
      "ok rows of app: public.orders: 42 rows",
      "ok B-trees of app: 1 checked, 1 left out (their collation may be of another version here)",
    ]);
  });
  it("calls corrupt data damage", async () => {
    expect(await run([/^SELECT count/, refusal("XX001")])).toContain(
      "failed rows of app: public.orders: the server said XX001 (damage)",
    );
    expect(await run([/bt_index_check/, refusal("XX002")])).toContain(
      "failed B-tree orders_pkey of app: the server said XX002 (damage)",
    );
  });
  it("fails without calling it damage when a question is refused for another reason", async () => {
    expect(await run([/^SELECT count/, refusal("42501")])).toContain(
      "failed rows of app: public.orders: the server said 42501",
    );
  });
  it("does not blame the backup for an extension that is missing here", async () => {
    const missing = refusal("58P01", "internal_load_library");
    expect(await run([/^SELECT count/, missing])).toContain(
      "ok rows of app: public.orders: not counted: it needs an extension that is missing here",
    );
    expect((await run([/bt_index_check/, missing])).at(-1)).toContain(
      "0 checked, 1 left out (their collation may be of another version here), 1 left out (they need an extension",
    );
  });
  it("says what the time did not suffice for", async () => {
    expect((await run([/bt_index_check/, refusal("57014")])).at(-1)).toContain("1 not reached within 1 s");
  });
  it("says so when there is no amcheck, or it cannot be added", async () => {
    expect((await run([/pg_available_extensions/, []])).at(-1)).toContain(
      "not checked: these PostgreSQL programs bring no amcheck",
    );
    expect((await run([/CREATE EXTENSION/, refusal("42501")])).at(-1)).toContain(
      "amcheck could not be added (the server said 42501)",
    );
  });
  it("fails when the server is still recovering", async () => {
    expect((await run([/pg_is_in_recovery/, [{ answer: "true" }]]))[0]).toMatch(/^failed recovered/);
  });
  it("cannot try where a database's locale is missing", async () => {
    const open = async () => {
      throw refusal("22023", "CheckMyDatabase");
    };
    await expect(checkDatabases(open, options)).rejects.toMatchObject({ code: "drill-not-possible" });
  });
  it("throws when the session is lost, which is no answer", async () => {
    const lost = new AppError("connection-lost", { message: "gone" });
    await expect(run([/^SELECT count/, lost])).rejects.toBe(lost);
  });
});
