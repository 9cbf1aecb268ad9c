import { testServer } from "@tidemark/testkit";
import { done } from "../faces/command.ts";
import { expect, expectRunState, test } from "../faces/story.ts";

interface Shown {
  readonly sizes: Readonly<Record<string, string>>;
  readonly places: readonly { readonly backupId: string; readonly bytes: string; readonly state: string }[];
}

test("a backup's sizes add up, its bytes live in others' packs, and deleting those does no harm", async ({ page }) => {
  await using server = await testServer({ settings: { summarize_wal: "on" } });
  await server.query("CREATE TABLE kept AS SELECT n, repeat('k', 200) AS pad FROM generate_series(1, 20000) AS n");
  await done(["server", "add", "sizes", "--dsn", server.dsn(), "--wait"]);
  await server.query("CREATE TABLE added AS SELECT n, repeat('a', 200) AS pad FROM generate_series(1, 5000) AS n");

  // A full one is asked for on the page, and says so.
  await page.goto("/servers/sizes");
  await page.getByRole("button", { name: "Back up now" }).click();
  await page.getByLabel("Read everything").check();
  await page.getByRole("button", { name: "Start backup" }).click();
  await expectRunState(page, "Succeeded");
  await expect(page.getByText("everything, because a full one was asked for")).toBeVisible();

  const [second, first] = await done<readonly { readonly id: string }[]>(["backup", "list", "sizes"]);
  const shown = await done<Shown>(["backup", "show", second?.id ?? ""]);
  const { totalBytes, newBytes, referencedBytes, carriedBytes, zeroBytes } = shown.sizes;
  const parts = [newBytes, referencedBytes, carriedBytes, zeroBytes].map((bytes) => Number(bytes));
  expect(parts.reduce((sum, bytes) => sum + bytes, 0)).toBe(Number(totalBytes));
  expect(shown.places.map(({ backupId }) => backupId).sort()).toEqual([first?.id, second?.id].sort());

  await page.goto(`/backups/${second?.id}`);
  const sizes = page.getByRole("region", { name: "Where its bytes came from" });
  await expect(sizes.getByRole("img", { name: /new.*known.*zeros/ })).toBeVisible();
  const shares = await sizes
    .getByRole("row")
    .filter({ hasNotText: "Together" })
    .getByText(/^[\d.]+ %$/)
    .allTextContents();
  expect(shares.map((text) => Number.parseFloat(text)).reduce((sum, one) => sum + one, 0)).toBeCloseTo(100, 5);
  await expect(sizes.getByRole("row").filter({ hasText: "Together" })).toContainText("100 %");
  await expect(sizes).toContainText("because a full one was asked for");
  const places = page.getByRole("region", { name: "Where its bytes live" });
  await expect(places.getByRole("row").filter({ hasText: "Backup of" })).toHaveCount(1);
  await expect(places).toContainText("does not harm this one");

  await done(["backup", "delete", first?.id ?? "", "--yes", "--wait"]);
  await page.reload();
  await expect(places.getByText("deleted since")).toBeVisible();

  // All that the server has is verified from the repository's page, each pack once.
  await page.getByRole("region", { name: "Facts" }).getByRole("link", { name: "default" }).click();
  await page.getByRole("button", { name: "Verify all backups of sizes" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Verify", exact: true }).click();
  await expectRunState(page, "Succeeded");
  await expect(page.getByRole("region", { name: "Verification" })).toContainText("Everything agrees");
  await page.goto(`/backups/${second?.id}`);
  await expect(page.getByRole("region", { name: "Verification" }).getByText(/^100 % since/)).toHaveCount(2);
});
