import { testServer, waitFor } from "@tidemark/testkit";
import { done } from "../faces/command.ts";
import { hydrated } from "../faces/hydrated.ts";
import { expect, test } from "../faces/story.ts";

interface Window {
  readonly lifetimes: readonly { readonly liveEdge: { readonly lastCommit: { readonly xid: number } | null } | null }[];
}

test("the transaction that took rows is found; a clone is moved on past it, kept longer, and let take writes", async ({
  page,
}) => {
  await using server = await testServer();
  await server.query("CREATE TABLE goods AS SELECT n AS id FROM generate_series(1, 1500) n");
  await done(["server", "add", "moved-on", "--dsn", server.dsn(), "--wait"]);
  await done(["clone", "create", "moved-on", "--target-immediate", "--hours", "1", "--wait"]);
  const [deletion] = await server.query<{ xid: string }>(
    "WITH gone AS (DELETE FROM goods RETURNING 1) SELECT pg_current_xact_id()::text AS xid FROM gone LIMIT 1",
  );
  await waitFor(
    async () => {
      const { lifetimes } = await done<Window>(["window", "show", "moved-on"]);
      return BigInt(lifetimes[0]?.liveEdge?.lastCommit?.xid ?? 0) >= BigInt(deletion?.xid ?? 0);
    },
    { what: "the deletion to be durable", timeoutMs: 60_000 },
  );

  await page.goto("/servers/moved-on/recovery");
  const search = page.getByRole("region", { name: "Find the moment" });
  await hydrated(search.getByLabel("Database"));
  await search.getByLabel("Database").fill("postgres");
  await search.getByRole("button", { name: "Search the WAL" }).click();
  const found = search
    .getByRole("list", { name: "What was found" })
    .getByRole("listitem")
    .filter({ hasText: `transaction ${deletion?.xid}` });
  await expect(found).toContainText("goods", { timeout: 90_000 });
  await found.getByRole("button", { name: "Show on the time line" }).click();
  await found.getByRole("link", { name: "Restore to just before…" }).click();
  await expect(page.getByLabel("Transaction id")).toHaveValue(deletion?.xid ?? "");

  await page.goto("/servers/moved-on/drills");
  const clones = page.getByRole("region", { name: "Clones" });
  const dialog = page.getByRole("dialog");
  const moveOn = clones.getByRole("button", { name: "Move on…" });
  await hydrated(moveOn);
  await moveOn.click();
  await dialog.getByLabel("To", { exact: true }).selectOption({ label: "A transaction" });
  await dialog.getByLabel("Transaction id").fill(deletion?.xid ?? "");
  await dialog.getByRole("button", { name: "Move on", exact: true }).click();
  await expect(dialog.getByText("It is at its new target.")).toBeVisible({ timeout: 90_000 });
  await dialog.getByRole("button", { name: "Done" }).click();

  await clones.getByRole("button", { name: "Extend…" }).click();
  await dialog.getByLabel("Hours from now").fill("72");
  await dialog.getByRole("button", { name: "Extend", exact: true }).click();
  await expect(dialog).toHaveCount(0);
  await expect(clones).toContainText(/in [23] d/);

  await clones.getByRole("button", { name: "Promote…" }).click();
  await dialog.getByRole("button", { name: "Let it take writes" }).click();
  await expect(dialog.getByText("It takes writes.")).toBeVisible({ timeout: 90_000 });
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(clones.getByText("Running, takes writes")).toBeVisible();
  await clones.getByRole("button", { name: "End…", exact: true }).click();
  await dialog.getByRole("button", { name: "End it" }).click();
  await expect(clones.getByText("No clone lives")).toBeVisible();
});
