import { readFile } from "node:fs/promises";
import { type TestServer, testServer, waitFor } from "@tidemark/testkit";
import pg from "pg";
import { done } from "../faces/command.ts";
import { expect, expectRunState, test } from "../faces/story.ts";

interface Window {
  readonly lifetimes: readonly { readonly liveEdge: { readonly lastCommit: { readonly at: string } | null } | null }[];
}

test("a clone at an instant answers what a table held then, and a drill that expects more fails and says why", async ({
  page,
}) => {
  test.setTimeout(200_000);
  await using server = await testServer();
  await server.query("CREATE TABLE orders AS SELECT n AS id, 'order ' || n AS word FROM generate_series(1, 100) n");
  await done(["server", "add", "looked-at", "--dsn", server.dsn(), "--wait"]);
  await waitFor(
    async () => (await done<readonly { state: string }[]>(["backup", "list", "looked-at"]))[0]?.state === "restorable",
    { what: "the first backup", timeoutMs: 60_000 },
  );
  await server.query("INSERT INTO orders SELECT n, 'late' FROM generate_series(101, 107) n");
  const instant = await instantBetween(server);
  await server.query("DELETE FROM orders");
  await waitFor(
    async () => {
      const { lifetimes } = await done<Window>(["window", "show", "looked-at"]);
      const at = lifetimes[0]?.liveEdge?.lastCommit?.at;
      return at !== undefined && Date.parse(at) > Date.parse(instant.replace(" ", "T"));
    },
    { what: "the deletion to be durable", timeoutMs: 30_000 },
  );

  // From the instant of the time line to a clone that is as the server was then.
  await page.goto("/servers/looked-at/recovery");
  await page.getByLabel("Instant", { exact: true }).fill(instant);
  await page.getByRole("button", { name: "Go there" }).click();
  await page.getByRole("link", { name: "Clone at this instant…" }).click();
  const making = page.getByRole("dialog", { name: "New clone" });
  await making.getByLabel("Instant", { exact: true }).fill(instant);
  await making.getByLabel("Hours it lives").fill("1");
  await making.getByRole("button", { name: "Make clone" }).click();
  await expect(making.getByText("It runs.")).toBeVisible({ timeout: 90_000 });
  await making.getByRole("button", { name: "Done" }).click();
  const clones = page.getByRole("region", { name: "Clones" });
  await expect(clones.getByText("Running, read-only")).toBeVisible();

  await clones.getByRole("button", { name: "Connection…" }).click();
  const connection = page.getByRole("dialog", { name: "Connection" });
  const shown = connection.getByRole("figure", { name: "Connection string" }).locator("pre");
  await expect(shown).toContainText("postgres", { timeout: 30_000 });
  expect(await countOrders((await shown.textContent()) ?? "")).toBe(107);
  await connection.getByRole("button", { name: "Close" }).last().click();

  await clones.getByRole("button", { name: "Extract table…" }).click();
  const extracting = page.getByRole("dialog", { name: "Extract a table" });
  await extracting.getByLabel("Database").fill("postgres");
  await extracting.getByLabel("Table", { exact: true }).fill("orders");
  await extracting.getByRole("button", { name: "Extract", exact: true }).click();
  const outcome = extracting.getByRole("status").filter({ hasText: "rows are in" });
  await expect(outcome).toContainText("107 rows", { timeout: 30_000 });
  const csv = await readFile((await outcome.locator("code").textContent()) ?? "", "utf8");
  expect(csv.trimEnd().split("\n")).toHaveLength(108);
  expect(csv).toContain("107,late");
  await extracting.getByRole("button", { name: "Done" }).click();

  // What has ended leaves the list, and its dialog with it.
  await clones.getByRole("button", { name: "End…", exact: true }).click();
  await page.getByRole("dialog", { name: "End the clone" }).getByRole("button", { name: "End it" }).click();
  await expect(clones.getByText("No clone lives")).toBeVisible();

  // Expected there are more rows than there were: the drill says so, and the server is not green.
  const drills = page.getByRole("region", { name: "Drills", exact: true });
  await drills.getByRole("button", { name: "Run a drill…" }).click();
  const drilling = page.getByRole("dialog", { name: "Run a drill" });
  await drilling.getByLabel("To", { exact: true }).selectOption({ label: "An instant" });
  await drilling.getByLabel("Instant", { exact: true }).fill(instant);
  await drilling.getByLabel("Expect something else than the settings say, this once").check();
  await drilling.getByLabel("Expected rows").fill("postgres.public.orders=120±5%");
  await drilling
    .getByLabel("Questions in SQL")
    .fill(
      "-- name: the late ones\n-- database: postgres\n-- expect: 7\nSELECT count(*) FROM public.orders WHERE word = 'late'",
    );
  await drilling.getByRole("button", { name: "Run drill" }).click();
  await expectRunState(page, "Failed", 90_000);
  const checks = page.getByRole("list", { name: "Checks of the drill" });
  await expect(checks.getByRole("listitem").filter({ hasText: "orders" }).filter({ hasText: "Failed" })).toContainText(
    "107",
  );
  await expect(checks.getByRole("listitem").filter({ hasText: /the late ones/i })).toContainText("OK");

  await page.getByRole("link", { name: "Evidence to print or take away" }).click();
  await expect(page.getByRole("heading", { name: "Evidence of a drill of looked-at" })).toBeVisible();
  await expect(page.getByRole("region", { name: "What was asked of it" })).toContainText("5 % more or fewer");
  const coming = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download JSON" }).click();
  const evidence = JSON.parse(await readFile(await (await coming).path(), "utf8"));
  expect(evidence).toMatchObject({ document: "tidemark drill evidence", result: { outcome: "failed" } });
  expect(evidence.result.recovery.reachedAt).toBeTruthy();

  const { state } = await done<{ state: string }>(["server", "show", "looked-at"]);
  expect(state).toBe("at-risk");

  // To what has not happened yet none is begun, so that the server is not worse for it.
  await page.goto("/servers/looked-at/drills");
  await drills.getByRole("button", { name: "Run a drill…" }).click();
  await drilling.getByLabel("To", { exact: true }).selectOption({ label: "An instant" });
  await drilling.getByLabel("Instant", { exact: true }).fill("2090-01-01 00:00:00Z");
  await drilling.getByRole("button", { name: "Run drill" }).click();
  await expect(drilling.getByRole("alert")).toContainText("lies in the future");
});

/** A whole second between what is committed and what will be, as a person types it. */
async function instantBetween(server: TestServer): Promise<string> {
  const [row] = await server.query<{ at: string }>(
    "SELECT to_char((date_trunc('second', clock_timestamp()) + interval '1 s') AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS at",
  );
  const instant = `${row?.at}Z`;
  await server.query(`SELECT pg_sleep_until('${instant}'::timestamptz + interval '20 ms')`);
  return instant;
}

async function countOrders(connectionString: string): Promise<number> {
  const client = new pg.Client({ connectionString, database: "postgres" });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: string }>("SELECT count(*) FROM public.orders");
    return Number(rows[0]?.count);
  } finally {
    await client.end();
  }
}
