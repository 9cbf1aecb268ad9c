import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { tempDir, testServer } from "@tidemark/testkit";
import { done } from "../faces/command.ts";
import { adminToken, ask, data, endOf, serverNamed, startRun } from "../faces/graphql.ts";
import { expect, test } from "../faces/story.ts";
import { expireToken } from "../postgres/metadata.ts";
import { shared } from "../product/shared.ts";

test("a connection string that does not parse is refused where it is typed", async ({ page }) => {
  await page.goto("/servers/add");
  await page.getByLabel("Connection string").fill("postgresql://tidemark@host:notaport/postgres");
  await page.getByRole("button", { name: "Test connection" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "cannot be used" })).toContainText('"notaport" is not a port');
});

test("a folder that is not ours, is of a newer format or cannot be written is no repository", async ({ page }) => {
  await using dir = await tempDir("repositories");
  await mkdir(dir.join("photos"));
  await writeFile(dir.join("photos", "beach.jpg"), "not a backup");
  await mkdir(dir.join("newer"));
  const golden = new URL("../../packages/repository/fixtures/golden-1/plain/tidemark.json", import.meta.url);
  const newer = { ...JSON.parse(await readFile(golden, "utf8")), formatVersion: 99 };
  await writeFile(dir.join("newer", "tidemark.json"), JSON.stringify(newer));
  await page.goto("/repositories");
  const dialog = page.getByRole("dialog");
  const ask = async (name: string, place: string) => {
    await page.getByRole("button", { name: "Add repository" }).click();
    await dialog.getByLabel("Name").fill(name);
    await dialog.getByLabel("Place").fill(place);
    await dialog.getByRole("button", { name: "Attach repository" }).click();
  };
  const attach = async (name: string, place: string, says: RegExp) => {
    await ask(name, place);
    await expect(dialog.getByRole("alert")).toContainText(says, { timeout: 20_000 });
    await dialog.getByRole("button", { name: "Close" }).click();
  };
  await attach("photos", dir.join("photos"), /files that are not a Tidemark repository/);
  await attach("newer", dir.join("newer"), /format.*99/);
  // A place nobody may write, whoever the worker runs as.
  await attach("proc", "/proc/tidemark", /cannot be made/);
  if (process.getuid?.() !== 0) {
    await mkdir(dir.join("locked"));
    await chmod(dir.join("locked"), 0o500);
    await attach("locked", dir.join("locked"), /permission is denied/);
  }
  await attach("default", dir.join("fresh"), /there is a repository named "default" already/i);

  // The same name with a better folder: what was refused before does not stand in the way.
  await ask("photos", dir.join("fresh"));
  await expect(page).toHaveURL(/\/repositories\/rep_/, { timeout: 20_000 });
  await expect(page.getByText("Ready")).toBeVisible();
});

test("a target directory that is not empty is refused before anything is written", async ({ page }) => {
  await using dir = await tempDir("target");
  await writeFile(dir.join("precious"), "do not touch");
  await page.goto("/servers/demo/restore");
  await page.getByRole("button", { name: "Next: where" }).click();
  await page.getByRole("textbox", { name: "Directory" }).fill(dir.path);
  await page.getByRole("button", { name: "Check and plan" }).click();
  await expect(page.getByText("It cannot be restored like this.")).toBeVisible({ timeout: 20_000 });
  await expect(
    page.getByRole("list", { name: "Pre-flight checks" }).getByRole("listitem").filter({ hasText: "Failed" }),
  ).toContainText(/not empty/);
  await expect(page.getByRole("button", { name: "Restore", exact: true })).toHaveCount(0);
});

test("GraphQL refuses what is too deep, pages above a hundred, and says so with a code", async () => {
  const levels = 14;
  const deep = `{ server(name: "demo") { ${"repository { servers(first: 1) { nodes { ".repeat(levels)} id ${"} } } ".repeat(levels)} } }`;
  expect((await ask(deep)).errors[0]?.extensions?.code).toBe("query-too-deep");
  const wide = await ask("{ servers(first: 101) { nodes { id } } }");
  expect(wide.errors[0]?.message).toMatch(/100/);
  const unknown = await ask("{ nothing }");
  expect(unknown.errors).toHaveLength(1);
});

test("tokens: an unknown, an expired and a read-only one may not act", async () => {
  const { id: serverId } = await serverNamed("demo");
  const create = async (access: string) =>
    (
      await data<{ createApiToken: { secret: string; token: { id: string } } }>(
        "mutation ($input: CreateApiTokenInput!) { createApiToken(input: $input) { secret token { id } } }",
        { input: { name: `story ${access}`, access, expiresInDays: 1 } },
      )
    ).createApiToken;
  const reader = await create("READ_ONLY");
  expect((await ask("{ servers(first: 1) { totalCount } }", {}, reader.secret)).errors).toEqual([]);
  const act = "mutation ($input: TakeBackupInput!) { takeBackup(input: $input) { run { id } userErrors { code } } }";
  const refused = await ask(act, { input: { serverId } }, reader.secret);
  expect(JSON.stringify(refused)).toContain("not-allowed");
  const rest = await fetch(`${shared().origin}/api/v1/backups`, {
    method: "POST",
    headers: { authorization: `Bearer ${reader.secret}`, "content-type": "application/json" },
    body: JSON.stringify({ serverId }),
  });
  expect(rest.status).toBeGreaterThanOrEqual(403);

  const expired = await create("FULL");
  await expireToken(expired.token.id);
  const late = await ask("{ servers(first: 1) { totalCount } }", {}, expired.secret);
  expect(late.errors[0]?.extensions?.code).toMatch(/not-authenticated|token-expired/);
  const unknown = await ask("{ servers(first: 1) { totalCount } }", {}, `${adminToken()}x`);
  expect(unknown.errors[0]?.extensions?.code).toBe("not-authenticated");
  const problem = await fetch(`${shared().origin}/api/v1/servers`);
  expect(problem.status).toBe(401);
  expect(problem.headers.get("content-type")).toContain("application/problem+json");
});

test("a server that is gone in the middle of the day fails its backup with the reason", async () => {
  await using server = await testServer();
  await done(["server", "add", "gone", "--dsn", server.dsn(), "--no-first-backup"]);
  await server.kill();
  const { id: serverId } = await serverNamed("gone");
  const run = await endOf(await startRun("takeBackup", { serverId }));
  expect(run).toMatchObject({ state: "FAILED", error: { code: "connection-refused" } });
  expect(run.error?.hint).not.toBeNull();
});
