import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { freePort, type TestServer, testServer } from "@tidemark/testkit";
import { nextButton, remedy, step, testConnection } from "../faces/add-server.ts";
import { expect, expectRunState, test } from "../faces/story.ts";

/** As a DBA may have left it: roles that log in, and no line yet that lets `tidemark` replicate. */
const hba = `host all         postgres,tidemark,plain 127.0.0.1/32 scram-sha-256
host replication plain                   127.0.0.1/32 scram-sha-256
`;

async function serverWithRoles(): Promise<TestServer> {
  const server = await testServer({ hba });
  await server.query("CREATE ROLE tidemark LOGIN REPLICATION PASSWORD 'right'");
  await server.query("CREATE ROLE plain LOGIN PASSWORD 'right'");
  await server.query("CREATE TABLE ledger AS SELECT n, md5(n::text) AS entry FROM generate_series(1, 100000) AS n");
  return server;
}

test("each bad connection fails at its own step, and doing what the page says heals it", async ({ page, context }) => {
  await using server = await serverWithRoles();
  const dsn = (user: string, password = "right") => server.dsn({ user, password, database: "postgres" });
  const expectFailed = async (title: string, says: RegExp) => {
    await expect(step(page, title)).toContainText("Failed");
    await expect(step(page, title)).toContainText(says);
    await expect(nextButton(page)).toHaveCount(0);
  };

  await testConnection(page, "postgresql://tidemark:right@no-such-host.invalid:5432/postgres");
  await expectFailed("Find the host", /correct the host's name/i);
  await testConnection(page, `postgresql://tidemark:right@127.0.0.1:${await freePort()}/postgres`);
  await expectFailed("Reach the port", /listen_addresses/);
  await testConnection(page, dsn("tidemark", "wrong"));
  await expectFailed("Log in", /\\password "tidemark"/);

  await testConnection(page, dsn("plain"));
  await expectFailed("Know the role", /ALTER ROLE "plain" REPLICATION/);
  await server.query(await remedy(page, "SQL"));
  await testConnection(page, dsn("plain"));
  await expect(nextButton(page)).toBeEnabled();

  await testConnection(page, dsn("tidemark"));
  await expectFailed("Replicate", /host {2}replication {2}tidemark {2}127\.0\.0\.1\/32/);
  await appendFile(join(server.dataDir, "pg_hba.conf"), `${await remedy(page, "pg_hba.conf")}\n`);
  await server.query(await remedy(page, "Reload"));
  await testConnection(page, dsn("tidemark"));
  await expect(step(page, "Replicate")).toContainText("OK");

  await page.getByLabel("Name").fill("ledger-1");
  await nextButton(page).click();
  await page.getByRole("button", { name: "Next: finish" }).click();
  await page.getByRole("button", { name: "Finish" }).click();
  await expectRunState(page, "Succeeded");
  await expect(page.getByRole("heading", { name: "Backup of ledger-1" })).toBeVisible();
  await expect(page.getByRole("log").getByRole("listitem").first()).toBeVisible();

  await expectCancelledSlowBackup(page, "ledger-1");
  const other = await context.newPage();
  await other.goto("/servers/ledger-1/backups");
  await expect(other.getByRole("row").filter({ hasText: "Restorable" })).toHaveCount(1);
  await expect(other.getByRole("row").filter({ hasText: "Interrupted" })).toHaveCount(1);
});

/** A backup held back by a rate limit: its log survives a reload, is the same in a second tab, and cancel says its effect. */
async function expectCancelledSlowBackup(page: Page, server: string): Promise<void> {
  await page.goto(`/servers/${server}`);
  await page.getByRole("button", { name: "Back up now" }).click();
  await page.getByLabel("Rate limit in MiB/s").fill("0.25");
  await page.getByRole("button", { name: "Start backup" }).click();
  await expect(page.getByRole("list", { name: "Phases" })).toBeVisible();
  await expect(page.getByRole("progressbar")).toBeVisible();
  await expect(page.getByText(/of about .* MiB/)).toBeVisible({ timeout: 30_000 });
  const firstLine = await page.getByRole("log").getByRole("listitem").first().textContent();
  await page.reload();
  await expect(page.getByRole("log").getByRole("listitem").first()).toHaveText(firstLine ?? "");
  const second = await page.context().newPage();
  await second.goto(page.url());
  await expect(second.getByRole("log").getByRole("listitem").first()).toHaveText(firstLine ?? "");

  await page.getByRole("button", { name: "Cancel run…" }).click();
  await expect(page.getByRole("dialog")).toContainText("no backup comes of it");
  await page.getByRole("button", { name: "Cancel run", exact: true }).click();
  await expectRunState(page, "Cancelled");
  await expectRunState(second, "Cancelled");
  await second.close();
}

test("a server that writes too little WAL says which settings, and works after a restart with them", async ({
  page,
}) => {
  await using server = await testServer({ settings: { wal_level: "minimal", max_wal_senders: 0 } });
  await testConnection(page, server.dsn());
  await expect(step(page, "Replicate")).toContainText("Takes effect after a restart of PostgreSQL");
  for (const statement of (await remedy(page, "SQL")).split("\n")) await server.query(statement);
  await server.restart();
  await testConnection(page, server.dsn());
  await expect(step(page, "Replicate")).toContainText("OK");
  await expect(nextButton(page)).toBeEnabled();
});
