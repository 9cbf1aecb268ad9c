import { readdir, rm } from "node:fs/promises";
import { tempDir, testServer } from "@tidemark/testkit";
import { done, tidemark } from "../faces/command.ts";
import { serverNamed } from "../faces/graphql.ts";
import { expect, test } from "../faces/story.ts";

test("backups are copied to a second repository, and a pack that the first lost is brought back from there", async ({
  page,
}) => {
  await using server = await testServer();
  await using dir = await tempDir("second");
  await done(["repository", "add", "near", dir.join("near")]);
  await done(["repository", "add", "far", dir.join("far")]);
  await done(["server", "add", "copied", "--dsn", server.dsn(), "--repository", "near", "--wait"]);
  const [backup] = await done<readonly { readonly id: string }[]>(["backup", "list", "copied"]);

  await page.goto("/servers/copied/settings");
  const panel = page.getByRole("region", { name: "Second repository" });
  await panel.getByLabel("Copies go to").selectOption({ label: "far" });
  await panel.getByRole("button", { name: "Copy there" }).click();
  await expect(panel.getByText("The second repository has every usable backup.")).toBeVisible();

  await panel.getByLabel("Copies take at most").fill("2048");
  await panel.getByRole("button", { name: "Save limit" }).click();
  await expect(panel.getByText("Saved. Copies keep to it from the next one on.")).toBeVisible();
  expect((await serverNamed("copied")).copyMaxRateKib).toBe(2048);

  // Somebody removes a pack.
  const area = dir.join(
    "near",
    (await readdir(dir.join("near"))).find((name) => name.startsWith("srv_")) ?? "",
    "packs",
  );
  const [pack] = await readdir(area);
  await rm(`${area}/${pack}`);
  expect((await tidemark(["backup", "verify", backup?.id ?? "", "--wait"])).exitCode).toBe(1);
  await page.reload();
  await panel.getByLabel("Heal the first repository before").check();
  await panel.getByRole("button", { name: "Copy now" }).click();
  await expect(panel.getByText("Succeeded")).toBeVisible();
  expect(await readdir(area)).toContain(pack);
  await done(["backup", "verify", backup?.id ?? "", "--wait"]);

  await page.getByRole("navigation").first().getByRole("link", { name: "Repositories" }).click();
  await page.getByRole("link", { name: "far" }).click();
  await expect(page.getByRole("region", { name: "Servers" })).toContainText("copies of its backups");
});
