import { testServer } from "@tidemark/testkit";
import { done } from "../faces/command.ts";
import { expect, test } from "../faces/story.ts";

test("a schedule that comes due takes a backup without anybody", async ({ page }) => {
  await using server = await testServer();
  await done(["server", "add", "clockwork", "--dsn", server.dsn(), "--no-first-backup"]);
  await page.goto("/servers/clockwork/settings");
  await page.getByRole("button", { name: /(Set|Change) backup schedule/ }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("When").selectOption({ label: "Cron expression…" });
  await dialog.getByLabel("Cron expression").fill("61 * * * *");
  await expect(dialog.getByText(/61/).first()).toBeVisible();
  await dialog.getByLabel("Cron expression").fill("* * * * *");
  await expect(dialog.getByText(/every minute/i).first()).toBeVisible();
  await dialog.getByRole("button", { name: "Save schedule" }).click();
  await expect(dialog).toBeHidden();

  // The page keeps itself up to date; nobody reloads it.
  await page.goto("/servers/clockwork/backups");
  await expect(page.getByRole("row").filter({ hasText: "Restorable" }).first()).toBeVisible({ timeout: 100_000 });
  const [backup] = await done<readonly { readonly id: string }[]>(["backup", "list", "clockwork"]);
  const [run] = (await done<readonly Run[]>(["run", "list", "--server", "clockwork"])).filter(
    ({ kind }) => kind.toLowerCase() === "backup",
  );
  expect(run?.requestedBy).toMatch(/schedule/);
  expect(backup?.id).toBeDefined();
  // A clock that goes on ticking would take backups while other stories run.
  await done(["server", "remove", "clockwork", "--yes"]);
});

interface Run {
  readonly kind: string;
  readonly requestedBy: string;
}
