import { cp, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { serverFolder, tempDir } from "@tidemark/testkit";
import { done, tidemarkIn } from "../faces/command.ts";
import { expect, test } from "../faces/story.ts";
import { expectSameShop, startRestoredDemo } from "../postgres/shop.ts";
import { shared } from "../product/shared.ts";

test("the kit from the page and a copy of the repository restore the demo without any control plane", async ({
  page,
}) => {
  await page.goto("/");
  const finding = page.getByRole("listitem").filter({ hasText: "Save the recovery kit of default" });
  await finding.getByRole("link", { name: "Download the recovery kit" }).click();
  await expect(page.getByText("Nobody has said yet that the kit is safe.")).toBeVisible();
  await page.getByRole("button", { name: "Get recovery kit" }).click();
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click({ timeout: 20_000 });
  await using dir = await tempDir("kit");
  const kit = dir.join("kit.txt");
  await (await coming).saveAs(kit);
  expect(await readFile(kit, "utf8")).toContain("tidemark-key-1:");

  // Another machine: the repository's files, the kit, and nothing that answers.
  // Whoever is at work there leaves and removes leases meanwhile; a folder that goes away ends a copy.
  await expect(async () => {
    await rm(dir.join("rescued"), { recursive: true, force: true });
    await cp(join(shared().home, "repository"), dir.join("rescued"), { recursive: true });
  }).toPass();
  const target = await serverFolder(dir, "restored");
  const restore = (key: string) =>
    tidemarkIn({ TIDEMARK_HOME: dir.join("no-home") }, [
      ...["restore", "direct", "--repository", dir.join("rescued"), "--key-file", key],
      ...["--server", "demo", "--to", target, "-o", "json"],
    ]);
  const wrongKey = await restore(dir.join("no-kit.txt"));
  expect(wrongKey.exitCode).not.toBe(0);
  const answer = await restore(kit);
  expect(answer.exitCode, answer.stderr).toBe(0);
  expect(answer.json()).toMatchObject({ state: "restored", server: "demo" });
  await using restored = await startRestoredDemo(dir, target);
  await expectSameShop(restored);

  await page.getByRole("button", { name: "I have saved it" }).click();
  await expect(page.getByText(/^Saved, as somebody said/)).toBeVisible();
  await page.goto("/");
  await expect(page.getByRole("row").filter({ hasText: "demo" }).first()).toBeVisible();
  await expect(page.getByText("Save the recovery kit of default")).toHaveCount(0);

  const out = dir.join("from-command.txt");
  await done(["repository", "recovery-kit", "default", "--out", out]);
  expect((await stat(out)).mode & 0o777).toBe(0o600);
  expect(await readFile(out, "utf8")).toContain("tidemark-key-1:");
});
