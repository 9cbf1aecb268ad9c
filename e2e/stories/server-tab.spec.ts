import type { Page } from "@playwright/test";
import { standbyOf, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { done } from "../faces/command.ts";
import { ask, serverNamed } from "../faces/graphql.ts";
import { expect, expectRunState, test } from "../faces/story.ts";

test("slots and replication are shown, and a slot in use is dropped only after its plan was read", async ({ page }) => {
  test.slow();
  await using primary = await testServer();
  await done(["server", "add", "streaming", "--dsn", primary.dsn(), "--no-first-backup", "--wal", "none"]);
  await page.goto("/servers/streaming/server");
  await expect(page.getByRole("region", { name: "WAL" })).toContainText(/[0-9A-F]{24}/);
  await expect(page.getByText("None: the server keeps WAL for nobody.")).toBeVisible();

  await page.getByRole("button", { name: "Create slot…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("standby_one");
  await dialog.getByRole("button", { name: "Create slot" }).click();
  await dialog.getByRole("button", { name: "Done" }).click({ timeout: 30_000 });
  const slot = page
    .getByRole("table", { name: "Replication slots" })
    .getByRole("row")
    .filter({ hasText: "standby_one" });
  await expect(slot).toContainText("Not in use", { timeout: 30_000 });

  await using standby = await standbyOf(primary);
  await streamThrough(standby, primary, "standby_one");
  await page.getByRole("button", { name: "Refresh what the server tells" }).click();
  await expect(slot).toContainText("In use", { timeout: 30_000 });
  const client = page
    .getByRole("table", { name: "Replication clients" })
    .getByRole("row")
    .filter({ hasText: "standby_one" });
  await expect(client).toContainText("Standby");
  await expect(client).toContainText("streaming");

  await page.getByRole("button", { name: "Drop standby_one…" }).click();
  await expect(dialog.getByText(/is in use by .*cuts that client off/)).toBeVisible({ timeout: 30_000 });
  await expect(dialog.getByRole("button", { name: "Drop slot" })).toBeDisabled();
  expect(await slotsOf(primary), "nothing is dropped by looking at the plan").toEqual(["standby_one"]);
  await confirmDrop(page, "standby_one");
  await dialog.getByRole("button", { name: "Done" }).click();
  expect(await slotsOf(primary)).toEqual([]);
  await expect(slot).toHaveCount(0, { timeout: 30_000 });
});

test("WAL is switched, a checkpoint made, a restore point named and files are read, each with what came of it", async ({
  page,
}) => {
  await using server = await testServer();
  await done(["server", "add", "acted-on", "--dsn", server.dsn(), "--no-first-backup"]);
  await server.query("CREATE TABLE written AS SELECT 1 AS n");
  await page.goto("/servers/acted-on/server");
  const wal = page.getByRole("region", { name: "WAL" });
  const segment = (await wal.getByText(/^[0-9A-F]{24}$/).textContent()) ?? "";
  await page.getByRole("button", { name: "Switch WAL" }).click();
  await expect(wal.getByRole("status").filter({ hasText: segment })).toBeVisible({ timeout: 30_000 });
  await page.getByRole("button", { name: "Checkpoint" }).click();
  await expect(wal.getByRole("status").filter({ hasText: /checkpoint/i })).toBeVisible({ timeout: 30_000 });

  await page.getByRole("button", { name: "Restore point…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("before-the-upgrade");
  await dialog.getByRole("button", { name: "Create restore point" }).click();
  await expect(dialog.getByText(/before-the-upgrade.*[0-9A-F]+\/[0-9A-F]+/i)).toBeVisible({ timeout: 30_000 });
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(page.getByRole("button", { name: "Restore point…" })).toBeFocused();

  // The second way to back up is one choice away.
  await page.getByRole("button", { name: "Back up now" }).click();
  await dialog.getByLabel("Read files").check();
  await dialog.getByLabel("Sessions that read").fill("2");
  await dialog.getByRole("button", { name: "Start backup" }).click();
  await expectRunState(page, "Succeeded");
});

test("a server that went away is said to be away, with what it told before", async ({ page }) => {
  await using server = await testServer();
  await done(["server", "add", "gone-away", "--dsn", server.dsn(), "--no-first-backup"]);
  await server.stop();
  await page.goto("/servers/gone-away/server");
  await page.getByRole("button", { name: "Refresh what the server tells" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "connection-refused" })).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText(/The server cannot be asked since/)).toBeVisible();
  await expect(page.getByRole("region", { name: "Cluster" })).toContainText("primary");
  await server.start();
  await page.getByRole("button", { name: "Refresh what the server tells" }).click();
  await expect(page.getByText(/The server cannot be asked since/)).toHaveCount(0, { timeout: 30_000 });
});

test("a server set offline says who did it and why, is left alone, and comes back", async ({ page }) => {
  await using server = await testServer();
  await done(["server", "add", "resting", "--dsn", server.dsn(), "--no-first-backup"]);
  const { id: serverId } = await serverNamed("resting");
  await page.goto("/servers/resting/settings");
  await page.getByRole("button", { name: "Set offline…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason").fill("the disk is changed");
  await dialog.getByRole("button", { name: "Set offline" }).click();

  const banner = page.getByRole("region", { name: "Set offline" });
  await expect(banner).toContainText("The disk is changed");
  await expect(banner).toContainText(/Set by .*admin/);
  const backUp = page.getByRole("button", { name: "Back up now" });
  await expect(backUp).toHaveAttribute("aria-disabled", "true");
  // The reason is there for a mouse, for a screen reader, and for eyes as soon as the button has the focus.
  await expect(backUp).toHaveAttribute("title", /the disk is changed/);
  await expect(backUp).toHaveAccessibleDescription(/the disk is changed/);
  const reason = page.getByText("The server is set offline: the disk is changed", { exact: true });
  await expect(reason).toHaveCSS("position", "absolute");
  await backUp.press("Enter");
  await expect(reason).toHaveCSS("position", "static");
  await expect(dialog).toHaveCount(0);
  const refused = await ask(
    "mutation ($input: TakeBackupInput!) { takeBackup(input: $input) { run { id } userErrors { code } } }",
    { input: { serverId } },
  );
  expect(refused.data).toMatchObject({ takeBackup: { run: null, userErrors: [{ code: "server-offline" }] } });
  await page.goto("/servers/resting/readiness");
  await expect(page.getByRole("button", { name: "Check all again" })).toHaveAttribute("aria-disabled", "true");
  await page.goto("/");
  const servers = page.getByRole("table", { name: "Servers" });
  await expect(servers.getByRole("row").filter({ hasText: "resting" })).toContainText("Offline");

  await page.goto("/servers/resting/settings");
  await banner.getByRole("button", { name: "Set online" }).click();
  await expect(banner).toHaveCount(0);
  const period = page.getByRole("table", { name: "Offline periods" }).getByRole("row").filter({ hasText: "the disk" });
  await expect(period).toContainText("nothing");
  await expect(period).not.toContainText("still offline");
  await expect(backUp).not.toHaveAttribute("aria-disabled");
});

/**
 * Types the name and drops. A standby that is back before the slot is gone is another use of it than the one shown: then
 * the plan is made anew, and this time the standby waits before it comes again (wal_retrieve_retry_interval).
 */
async function confirmDrop(page: Page, slot: string): Promise<void> {
  const dialog = page.getByRole("dialog");
  const again = dialog.getByRole("button", { name: "Plan again" });
  for (const last of [false, true]) {
    await dialog.getByLabel(`Type ${slot} to confirm`).fill(slot);
    await dialog.getByRole("button", { name: "Drop slot" }).click();
    await expect(again.or(dialog.getByRole("button", { name: "Done" }))).toBeVisible({ timeout: 30_000 });
    if (last || (await again.count()) === 0) return;
    await expect(dialog.getByRole("alert")).toContainText("plan-stale");
    await again.click();
  }
}

async function streamThrough(standby: TestServer, primary: TestServer, slot: string): Promise<void> {
  await standby.query("ALTER SYSTEM SET wal_retrieve_retry_interval = '5min'");
  await standby.query(`ALTER SYSTEM SET primary_slot_name = '${slot}'`);
  await standby.query("SELECT pg_reload_conf()");
  const sql =
    "SELECT 1 FROM pg_stat_replication r JOIN pg_replication_slots s ON s.active_pid = r.pid WHERE r.state = 'streaming'";
  await waitFor(async () => (await primary.query(sql)).length === 1, { what: `a standby at ${slot}` });
}

async function slotsOf(server: TestServer): Promise<readonly string[]> {
  const rows = await server.query<{ slot_name: string }>("SELECT slot_name FROM pg_replication_slots");
  return rows.map((row) => row.slot_name);
}
