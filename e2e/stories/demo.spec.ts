import { mkdir, writeFile } from "node:fs/promises";
import { freePort, serverFolder, tempDir } from "@tidemark/testkit";
import { type Answer, done, tidemark, tidemarkIn } from "../faces/command.ts";
import { ask, data, serverNamed, succeed } from "../faces/graphql.ts";
import { expect, expectRunState, test } from "../faces/story.ts";
import { expectSameShop, startRestoredDemo } from "../postgres/shop.ts";
import { shared } from "../product/shared.ts";

test("on the page: a backup is taken, verified, drilled and restored, and the restored rows are the demo's", async ({
  page,
}) => {
  await page.goto("/servers/demo");
  await page.getByRole("button", { name: "Back up now" }).click();
  await page.getByLabel("Label").fill("taken on the page");
  await page.getByRole("button", { name: "Start backup" }).click();
  await expectRunState(page, "Succeeded");
  await page.getByRole("main").getByRole("link", { name: /^of / }).click();
  await expect(page).toHaveURL(/\/backups\/bak_/);
  const backupUrl = page.url();
  await expect(page.getByText("taken on the page")).toBeVisible();
  await expect(page.getByText("Restorable")).toBeVisible();

  await page.getByRole("button", { name: "Verify now" }).click();
  await expectRunState(page, "Succeeded");
  await page.goto(backupUrl);
  await expect(page.getByRole("region", { name: "Verification" })).toContainText("Verified");

  await page.getByRole("button", { name: "Drill now" }).click();
  await expectRunState(page, "Succeeded");
  await page.goto(backupUrl);
  await expect(page.getByText(/^Proven/).first()).toBeVisible();

  await using dir = await tempDir("page-restore");
  const target = await serverFolder(dir, "restored");
  await page.getByRole("link", { name: "Restore…" }).click();
  await page.getByRole("textbox", { name: "Directory" }).fill(target);
  await page.getByRole("button", { name: "Check and plan" }).click();
  await expect(page.getByRole("list", { name: "Pre-flight checks" })).toBeVisible();
  await expect(page.getByText("npx tidemark restore run demo")).toBeVisible();
  await page.getByRole("button", { name: "Restore", exact: true }).click();
  await expectRunState(page, "Succeeded");

  await using restored = await startRestoredDemo(dir, target);
  await expectSameShop(restored);
});

test("with the command: the same, and each exit code means what it says", async () => {
  await done(["backup", "create", "demo", "--wait"]);
  const [newest] = await done<readonly Listed[]>(["backup", "list", "demo"]);
  expect(newest).toMatchObject({ state: "restorable", damaged: false });
  const id = newest?.id ?? "";
  await done(["backup", "verify", id, "--wait"]);
  await done(["backup", "drill", id, "--wait"]);
  const proven = await done<Listed>(["backup", "show", id]);
  expect(Date.parse(proven.provenAt ?? "")).toBeGreaterThan(Date.parse(proven.verifiedAt ?? ""));

  await using dir = await tempDir("command-restore");
  const target = await serverFolder(dir, "restored");
  expect(await done(["restore", "plan", "demo", "--backup", id, "--to", target])).toMatchObject({ state: "ready" });
  await done(["restore", "run", "demo", "--backup", id, "--to", target, "--wait"]);
  await using restored = await startRestoredDemo(dir, target);
  await expectSameShop(restored);

  const expectExit = async (code: number, answer: Promise<Answer>, says: RegExp) => {
    const { exitCode, stderr, stdout } = await answer;
    expect(`${exitCode}: ${stdout}${stderr}`).toMatch(new RegExp(`^${code}: `));
    expect(`${stdout}${stderr}`).toMatch(says);
  };
  await mkdir(dir.join("used"));
  await writeFile(dir.join("used", "a file"), "");
  await expectExit(1, tidemark(["restore", "run", "demo", "--to", dir.join("used"), "--wait"]), /not empty/);
  await expectExit(2, tidemark(["backup", "create"]), /missing required argument/);
  await expectExit(2, tidemark(["backup", "create", "demo", "--max-rate", "fast"]), /--max-rate/);
  await expectExit(3, tidemarkIn({ TIDEMARK_URL: shared().origin }, ["server", "list"]), /token|log in/i);
  const nobody = `http://127.0.0.1:${await freePort()}`;
  await expectExit(3, tidemark(["server", "list"], { TIDEMARK_URL: nobody }), /no answer from/);
  await expectExit(4, tidemark(["server", "show", "nobody"]), /nobody/);
  expect((await tidemark(["doctor"])).stdout).toContain("server demo");
});

interface Listed {
  readonly id: string;
  readonly state: string;
  readonly damaged: boolean;
  readonly verifiedAt: string | null;
  readonly provenAt: string | null;
}

test("with GraphQL and a token made on the page: the same, until the token is revoked", async ({ page }) => {
  await page.goto("/account");
  await page.getByRole("button", { name: "Create token…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("nightly script");
  await dialog.getByLabel("May").selectOption("FULL");
  await dialog.getByRole("button", { name: "Create token" }).click();
  const token = (await dialog.locator("pre").textContent())?.trim() ?? "";
  expect(token).toMatch(/^tmk_/);
  await dialog.getByRole("button", { name: "Done" }).click();

  const { id: serverId } = await serverNamed("demo");
  const taken = await succeed("takeBackup", { serverId, label: "by script" }, token);
  const id = taken.backup?.id ?? "";
  await succeed("verifyBackup", { id }, token);
  await succeed("drillBackup", { id }, token);
  const { backup } = await data<{ backup: object }>(
    "query ($id: ID!) { backup(id: $id) { state damaged proof { ok outcome } verification { ok } } }",
    { id },
    token,
  );
  expect(backup).toMatchObject({
    state: "RESTORABLE",
    damaged: false,
    proof: { ok: true },
    verification: { ok: true },
  });

  await using dir = await tempDir("graphql-restore");
  const targetDirectory = await serverFolder(dir, "restored");
  const plan = await succeed("planRestore", { serverId, backupId: id, targetDirectory }, token);
  await succeed("runRestore", { planRunId: plan.id, planHash: plan.restorePlan?.planHash }, token);
  await using restored = await startRestoredDemo(dir, targetDirectory);
  await expectSameShop(restored);

  await page.getByRole("button", { name: "Revoke nightly script" }).click();
  await page.getByRole("button", { name: "Revoke token" }).click();
  await expect(page.getByRole("row").filter({ hasText: "nightly script" })).toContainText("revoked");
  const refused = await ask("{ servers(first: 1) { totalCount } }", {}, token);
  expect(refused.errors[0]?.extensions?.code).toBe("not-authenticated");
});
