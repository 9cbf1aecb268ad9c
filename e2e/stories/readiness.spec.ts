import type { Page } from "@playwright/test";
import { type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { nextButton, step, testAgain, testConnection } from "../faces/add-server.ts";
import { mend } from "../faces/paste.ts";
import { expect, expectRunState, test } from "../faces/story.ts";

test.use({ permissions: ["clipboard-read", "clipboard-write"] });

/** Ours may not log in; its role may not replicate; no WAL is sent; and pages may tear. */
async function neglectedServer(): Promise<TestServer> {
  const server = await testServer({
    hba: "host all postgres 127.0.0.1/32 scram-sha-256\n",
    settings: { wal_level: "minimal", max_wal_senders: 0, full_page_writes: false },
  });
  await server.query("CREATE ROLE tidemark LOGIN PASSWORD 'right'");
  return server;
}

/** What the check is called when all is well, and what its finding is. */
const wholePages = "WAL carries whole pages after a checkpoint";
const lackingPages = "WAL lacks whole pages";

test("a server with four things wrong is mended one at a time by pasting what the page says", async ({ page }) => {
  test.slow();
  await using server = await neglectedServer();
  const dsn = server.dsn({ user: "tidemark", password: "right", database: "postgres" });

  await testConnection(page, dsn);
  await page.getByRole("textbox", { name: "Name" }).fill("neglected");
  await expectBlockedAt(page, "Log in");
  expect(await mend(step(page, "Log in"), server)).toEqual(["pg_hba.conf", "Reload"]);

  await testAgain(page);
  await expect(page.getByLabel("Connection string")).toHaveValue(dsn);
  await expect(page.getByRole("textbox", { name: "Name" })).toHaveValue("neglected");
  await expectBlockedAt(page, "Know the role");
  expect(await mend(step(page, "Know the role"), server)).toEqual(["SQL"]);

  await testAgain(page);
  await expectBlockedAt(page, "Replicate");
  await expect(step(page, "Replicate")).toContainText("Takes effect after a restart of PostgreSQL");
  expect(await mend(step(page, "Replicate"), server)).toEqual(["SQL", "Restart"]);

  // A risk does not stand in the way; it is mended all the same.
  await testAgain(page);
  await expect(nextButton(page)).toBeEnabled();
  await expect(page.getByText("Backups of this server can be taken.")).toBeVisible();
  await expect(check(page, lackingPages)).toContainText("Risk");
  expect(await mend(check(page, lackingPages), server)).toEqual(["SQL"]);
  await expectSetting(server, "on");
  await testAgain(page);
  await expect(step(page, "Check the version")).toContainText("OK");
  await expect(check(page, lackingPages)).toHaveCount(0);

  await expect(page.getByRole("textbox", { name: "Name" })).toHaveValue("neglected");
  await nextButton(page).click();
  await page.getByRole("button", { name: "Next: finish" }).click();
  await page.getByRole("button", { name: "Finish" }).click();
  await expectRunState(page, "Succeeded");
  await expect(page.getByRole("heading", { name: "Backup of neglected" })).toBeVisible();

  await provokeAndMend(page, server);
});

/** On its Readiness tab: what went wrong since is found by looking at it alone, copied, mended and gone. */
async function provokeAndMend(page: Page, server: TestServer): Promise<void> {
  await server.query("ALTER SYSTEM SET full_page_writes = off");
  await server.query("SELECT pg_reload_conf()");
  await expectSetting(server, "off");
  await page.goto("/servers/neglected");
  await page.getByRole("link", { name: "Readiness" }).click();
  await choose(page, /^In order/);
  const recheck = page.getByRole("button", {
    name: new RegExp(`^Re-check this one: (${wholePages}|${lackingPages})$`),
  });
  await recheck.click();
  await expect(check(page, lackingPages).getByText("Looked at again: still so.")).toBeVisible({ timeout: 30_000 });
  await expect(check(page, lackingPages)).toContainText("Risk");
  await expect(recheck).toBeFocused();

  await expect(check(page, lackingPages)).toContainText(/first seen .* last seen/);

  await mend(check(page, lackingPages), server);
  await expectSetting(server, "on");
  await recheck.click();
  await expect(page.getByText("Looked at again: in order now.")).toBeVisible({ timeout: 30_000 });
  await expect(recheck).toBeFocused();

  await page.goto("/servers/neglected/readiness");
  await expect(page.getByText(/^Inspected /)).toBeVisible();
  await expect(check(page, lackingPages)).toHaveCount(0);
  await page.getByText(/that (is|are) mended/).click();
  await expect(page.getByRole("table", { name: "Mended findings" })).toContainText(lackingPages);

  await page.getByRole("button", { name: "Check all again" }).click();
  await expect(page.getByText("Inspected just now.")).toBeVisible({ timeout: 30_000 });
  await expectFilters(page);
  await expectPrivileges(page, server);
}

/** Each choice shows as many as it says. */
async function expectFilters(page: Page): Promise<void> {
  const list = page.getByRole("list", { name: "Checks" });
  for (const name of [/^All/, /^Found/]) {
    const chosen = await choose(page, name);
    const said = Number(/\d+/.exec((await chosen.locator("xpath=..").textContent()) ?? "")?.[0]);
    expect(said).toBeGreaterThan(0);
    await expect(list.getByRole("heading")).toHaveCount(said);
  }
  await choose(page, /^All/);
  await expect(page).toHaveURL(/state=ALL/);
  await page.reload();
  await expect(list.getByRole("heading", { name: wholePages })).toBeVisible();
}

/** A right the role lacks is granted by the SQL beside it. */
async function expectPrivileges(page: Page, server: TestServer): Promise<void> {
  const privileges = page.getByRole("region", { name: "Privileges" });
  const row = privileges.getByRole("row").filter({ hasText: "EXECUTE on pg_create_restore_point" });
  await expect(row).toContainText("Missing");
  for (const statement of ((await row.locator("pre").textContent()) ?? "").split("\n")) await server.query(statement);
  await privileges.getByRole("button", { name: "Re-check privileges" }).click();
  await expect(row).toHaveCount(0, { timeout: 30_000 });
  await expect(privileges.getByRole("row").filter({ hasText: /restore point/i })).toContainText("Allowed");
}

async function expectBlockedAt(page: Page, title: string): Promise<void> {
  await expect(step(page, title)).toContainText("Failed");
  await expect(nextButton(page)).toHaveCount(0);
}

async function choose(page: Page, name: RegExp) {
  const choice = page.getByRole("radio", { name });
  await choice.check();
  return choice;
}

function check(page: Page, title: string) {
  return page
    .getByRole("list", { name: "Checks" })
    .getByRole("listitem")
    .filter({ has: page.getByRole("heading", { name: title }) });
}

/** A reload is done when the server says so, not when it was asked for. */
async function expectSetting(server: TestServer, value: string): Promise<void> {
  const shown = async () => (await server.query("SHOW full_page_writes"))[0]?.full_page_writes === value;
  await waitFor(shown, { what: `full_page_writes = ${value}` });
}
