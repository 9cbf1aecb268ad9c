import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { adoptCluster, serverFolder, tempDir, testPostgres, testServer } from "@tidemark/testkit";
import { done } from "../faces/command.ts";
import { expect, expectRunState, test } from "../faces/story.ts";

test("a restore in place shows what it would do, asks, and brings back one database of two", async ({ page }) => {
  await using server = await testServer();
  for (const name of ["wanted", "unwanted"]) {
    await server.query(`CREATE DATABASE ${name}`);
    await server.query("CREATE TABLE rows AS SELECT n FROM generate_series(1, 3000) AS n", [], { database: name });
  }
  await done(["server", "add", "in-place", "--dsn", server.dsn(), "--wait"]);
  const [backup] = await done<readonly { readonly id: string }[]>(["backup", "list", "in-place"]);

  // A whole restore first; then somebody spoils it.
  await using dir = await tempDir("in-place");
  const target = await serverFolder(dir, "restored");
  await done(["restore", "run", "in-place", "--to", target, "--wait"]);
  await writeFile(join(target, "left-behind"), "by hand");
  const [{ path } = { path: "" }] = await server.query<{ path: string }>(
    "SELECT pg_relation_filepath('rows') AS path",
    [],
    { database: "wanted" },
  );
  const spoiled = join(target, path);
  await writeFile(spoiled, (await readFile(spoiled)).fill(0));

  await page.goto(`/servers/in-place/restore?backup=${backup?.id}`);
  await page.getByLabel("Directory", { exact: true }).fill(target);
  await page.getByRole("button", { name: "Check and plan" }).click();
  await expect(page.getByText("It cannot be restored like this.", { exact: false })).toBeVisible();
  await page.getByRole("button", { name: "Back" }).click();

  await page.getByRole("radio", { name: /The data directory of a stopped server/ }).check();
  await page.getByLabel("Directory", { exact: true }).fill(target);
  await page.getByLabel("Only these databases").fill("wanted");
  await page.getByRole("button", { name: "Check and plan" }).click();
  const review = page.getByRole("region", { name: "Review" });
  await expect(review).toContainText("is changed in place");
  await expect(review).toContainText("Left empty: unwanted");
  await review.getByText("What is removed").click();
  await expect(review.getByText("left-behind")).toBeVisible();
  const restore = page.getByRole("button", { name: "Rewrite what differs" });
  await expect(restore).toHaveAttribute("aria-disabled", "true");
  await page.getByLabel(`Change what is in ${target}`).check();
  await restore.click();
  await expectRunState(page, "Succeeded");

  await expect(stat(join(target, "left-behind"))).rejects.toThrow();
  const like = {
    superuser: server.superuser,
    password: server.password,
    cluster: { installation: await testPostgres(18) },
  };
  await using restored = await adoptCluster(dir, like, { dataDir: target });
  const count = "SELECT count(*)::int AS count FROM rows";
  expect(await restored.query(count, [], { database: "wanted" })).toEqual([{ count: 3000 }]);
  await expect(restored.query(count, [], { database: "unwanted" })).rejects.toThrow();
});
