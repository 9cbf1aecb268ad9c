import { cp, rm } from "node:fs/promises";
import { adoptCluster, standbyOf, type TestServer, tempDir, testServer } from "@tidemark/testkit";
import { nextButton, testConnection } from "../faces/add-server.ts";
import { done, tidemark } from "../faces/command.ts";
import { data } from "../faces/graphql.ts";
import { expect, expectRunState, test } from "../faces/story.ts";

test("a standby is offered as a member, a copy asks for confirmation, a name is given once", async ({ page }) => {
  await using primary = await testServer();
  await done(["server", "add", "twins", "--dsn", primary.dsn(), "--no-first-backup"]);

  await using standby = await standbyOf(primary);
  await testConnection(page, standby.dsn());
  await page.getByRole("textbox", { name: "Name" }).fill("twins-standby");
  await expect(nextButton(page)).toBeDisabled();
  await expect(page.getByText("It is a standby of it.")).toBeVisible();
  await page.getByLabel("A member of twins").check();
  await nextButton(page).click();
  await page.getByRole("button", { name: "Finish" }).click();
  await expect(page).toHaveURL(/\/servers\/(twins|srv_\w+)$/, { timeout: 30_000 });
  await expect(page.getByText("Member twins-standby").first()).toBeVisible();
  await page.getByRole("button", { name: "Back up now" }).click();
  await page.getByLabel("From", { exact: true }).selectOption("twins-standby");
  await page.getByRole("button", { name: "Start backup" }).click();
  await expectRunState(page, "Succeeded");

  await using copy = await coldCopyOf(primary);
  const refused = await tidemark(["server", "add", "twins-copy", "--dsn", copy.dsn()]);
  expect(refused.exitCode, refused.stderr).toBe(1);
  expect(refused.stderr).toMatch(/twins/);

  await page.goto("/servers/add");
  await testConnection(page, copy.dsn());
  await expect(page.getByText("It is not its standby: probably a copy.")).toBeVisible();
  await page.getByLabel("A copy with a life of its own").check();
  await page.getByRole("textbox", { name: "Name" }).fill("twins");
  await nextButton(page).click();
  await page.getByRole("button", { name: "Next: finish" }).click();
  await page.getByRole("button", { name: "Finish" }).click();
  await expect(page.getByRole("alert").filter({ hasText: /a server is called twins already/i })).toBeVisible();
  await page.getByRole("button", { name: "Change name or connection" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("twins-copy");
  await nextButton(page).click();
  await page.getByRole("button", { name: "Next: finish" }).click();
  await page.getByRole("button", { name: "Finish" }).click();
  await expect(page).toHaveURL(/\/runs\/run_/, { timeout: 30_000 });

  const { servers } = await data<{ servers: { nodes: readonly Named[] } }>(
    "{ servers(first: 100) { nodes { name systemIdentifier members { name } } } }",
  );
  const twins = servers.nodes.filter((server) => server.name.startsWith("twins"));
  expect(twins.map((server) => server.name).sort()).toEqual(["twins", "twins-copy"]);
  expect(new Set(twins.map((server) => server.systemIdentifier)).size).toBe(1);
});

interface Named {
  readonly name: string;
  readonly systemIdentifier: string;
  readonly members: readonly { readonly name: string }[];
}

/** The same cluster a second time: copied while it was stopped, started on a port of its own. */
async function coldCopyOf(server: TestServer): Promise<TestServer> {
  const dir = await tempDir("copy");
  const dataDir = dir.join("data");
  await server.stop();
  await cp(server.dataDir, dataDir, { recursive: true, preserveTimestamps: true });
  await rm(`${dataDir}/postmaster.opts`, { force: true });
  await server.start();
  return await adoptCluster(dir, server, { dataDir });
}
