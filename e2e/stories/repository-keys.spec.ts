import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { tempDir, testServer } from "@tidemark/testkit";
import { done } from "../faces/command.ts";
import { hydrated } from "../faces/hydrated.ts";
import { expect, test } from "../faces/story.ts";
import { shared } from "../product/shared.ts";

test("a repository's keys are added, replaced, rotated and removed on the page, and no secret is shown or logged", async ({
  page,
}) => {
  await using dir = await tempDir("keys");
  const { id } = await done<{ readonly id: string }>(["repository", "add", "keyed", dir.join("keyed")]);
  await page.goto(`/repositories/${id}`);
  const keys = page.getByRole("region", { name: "Keys" });
  await expect(keys).toContainText("nothing in it can be read again");
  await expect(keys).toContainText("Only the workers have a key");
  await expect(keys.getByRole("button", { name: /^Remove/ })).toHaveCount(0);
  const dialog = page.getByRole("dialog");
  const close = () => dialog.getByRole("button", { name: "Close" }).click();

  await keys.getByRole("button", { name: "Add key…" }).click();
  await dialog.getByLabel("Whose").fill("the safe");
  await dialog.getByLabel("Passphrase", { exact: true }).fill("first secret phrase");
  await dialog.getByLabel("The same again").fill("first secret phrase");
  await dialog.getByRole("button", { name: "Add key" }).click();
  await expect(dialog.getByText("Added.")).toBeVisible();
  await close();
  await expect(keys.getByRole("row").filter({ hasText: "the safe" })).toContainText("all, and what comes");

  await keys.getByRole("button", { name: "Replace…" }).click();
  await dialog.getByLabel("The old passphrase or key file").fill("first secret phrase");
  await dialog.getByLabel("Passphrase", { exact: true }).fill("second secret phrase");
  await dialog.getByLabel("The same again").fill("second secret phrase");
  await dialog.getByRole("button", { name: "Replace key" }).click();
  await expect(dialog.getByText("The old key opens the repository no longer.")).toBeVisible();
  await close();

  await keys.getByRole("button", { name: "Rotate…" }).click();
  await dialog.getByLabel("Passphrases and key files of the others").fill("second secret phrase");
  await dialog.getByRole("button", { name: "Show the plan" }).click();
  await dialog.getByRole("button", { name: "Rotate now" }).click();
  await expect(dialog.getByText(/^Rotated\./)).toBeVisible();
  await close();
  await expect(keys.getByRole("row").filter({ hasText: "Passphrase" })).toContainText("2 slots");

  await keys.getByRole("button", { name: /^Remove the key of/ }).click();
  await dialog.getByRole("button", { name: "Remove key" }).click();
  await expect(dialog.getByText("It opens the repository no longer.")).toBeVisible();
  await close();
  await expect(keys.getByRole("row").filter({ hasText: "Passphrase" })).toHaveCount(0);
  // The last one is in use: there is nothing to press.
  await expect(keys.getByRole("row").filter({ hasText: "the workers" })).toContainText("in use");

  const logs = join(shared().home, "logs");
  for (const name of await readdir(logs)) {
    expect(await readFile(join(logs, name), "utf8"), name).not.toMatch(/(first|second) secret phrase/);
  }
  await page.goto("/audit");
  await expect(page.getByText("rewrapRepositoryKey").first()).toBeVisible();
  await expect(page.getByText(/secret phrase/)).toHaveCount(0);
});

test("a host's key opens the WAL of its server alone, and is told and removed so; compression and a kit to print", async ({
  page,
}) => {
  await using dir = await tempDir("scoped");
  await using server = await testServer();
  const { id } = await done<{ readonly id: string }>(["repository", "add", "hosts", dir.join("hosts")]);
  const added = ["server", "add", "archiving", "--dsn", server.dsn(), "--repository", "hosts", "--wal", "push"];
  await done([...added, "--no-first-backup", "--wait"]);
  const to = ["--to", dir.join("archiving.json"), "--spool", dir.join("spool"), "--host", "db1"];
  await done(["server", "host-config", "archiving", ...to]);

  await page.goto(`/repositories/${id}`);
  const keys = page.getByRole("region", { name: "Keys" });
  const scoped = keys.getByRole("row").filter({ hasText: "WAL of archiving" });
  await expect(scoped).toContainText("WAL of archiving alone (1 slot)");
  // It is no way back to the backups.
  await expect(keys).toContainText("Only the workers have a key");
  const remove = scoped.getByRole("button", { name: /^Remove the key of/ });
  await hydrated(remove);
  await remove.click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Remove key" }).click();
  await expect(dialog.getByText("It opens the repository no longer.")).toBeVisible();
  await dialog.getByRole("button", { name: "Close" }).click();
  await expect(scoped).toHaveCount(0);

  const compression = page.getByRole("region", { name: "Compression" });
  await compression.getByLabel("Compress with").selectOption("zstd:6");
  await compression.getByRole("button", { name: "Save compression" }).click();
  await expect(compression.getByText("Saved. The next backup is compressed so.")).toBeVisible();
  await page.reload();
  await expect(compression.getByLabel("Compress with")).toHaveValue("zstd:6");

  const kit = page.getByRole("button", { name: "Get it as a page to print" });
  await hydrated(kit);
  await kit.click();
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  expect(await readFile(await (await coming).path(), "utf8")).toMatch(/^<!doctype html>[\s\S]*tidemark-key-1:/i);
});
