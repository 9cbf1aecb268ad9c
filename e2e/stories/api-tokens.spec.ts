import { ask } from "../faces/graphql.ts";
import { hydrated } from "../faces/hydrated.ts";
import { expect, test } from "../faces/story.ts";

test("a token is made on the page, shown once, used, and refused once it is revoked", async ({ page }) => {
  await page.goto("/account");
  const create = page.getByRole("button", { name: "Create token…" });
  await hydrated(create);
  await create.click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("the night script");
  await dialog.getByLabel("Expires").selectOption({ label: "In 30 days" });
  await dialog.getByRole("button", { name: "Create token" }).click();
  const shown = dialog.getByRole("figure", { name: "Token" }).locator("pre");
  await expect(shown).toContainText("tmk_");
  const secret = (await shown.textContent()) ?? "";
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(dialog).toHaveCount(0);
  const count = "{ servers(first: 1) { totalCount } }";
  expect((await ask(count, {}, secret)).errors).toEqual([]);
  await expect(page.getByText(secret)).toHaveCount(0);

  const row = page.getByRole("table", { name: "API tokens" }).getByRole("row").filter({ hasText: "the night script" });
  await expect(row).toContainText("read only");
  await row.getByRole("button", { name: "Revoke the night script" }).click();
  await dialog.getByRole("button", { name: "Revoke token" }).click();
  await expect(row).toContainText("revoked");
  expect((await ask(count, {}, secret)).errors[0]?.extensions?.code).toMatch(/not-authenticated|token-revoked/);
});
