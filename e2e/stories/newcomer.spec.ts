import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { overflow } from "../faces/fit.ts";
import { expect, test } from "../faces/story.ts";
import { browserState, ownPassword, shared } from "../product/shared.ts";

test.describe.configure({ mode: "serial" });

test("the start says where to go, how to log in and where everything is", async () => {
  const { output, origin, home } = shared();
  expect(output).toContain(`address    ${origin}`);
  expect(output).toMatch(/login {6}admin with the one-time password \S+/);
  expect(output).toContain(`state      ${home}`);
  expect(output).toContain(`logs       ${join(home, "logs")}`);
  expect((await stat(home)).mode & 0o777).toBe(0o700);
  expect((await stat(join(home, "admin-token"))).mode & 0o777).toBe(0o600);
  expect(await readFile(join(home, "admin-token"), "utf8")).toMatch(/^tmk_/);
});

test("a wrong password is refused, the one-time one leads to an own one, and that to the servers", async ({
  page,
  context,
}) => {
  await page.goto("/");
  await expect(page).toHaveURL(/\/login$/);
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "Not signed in" })).toBeVisible();
  await page.getByLabel("Password").fill(shared().oneTimePassword);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(/\/change-password$/);

  // Nothing else opens before the one-time password is replaced.
  await page.goto("/runs");
  await expect(page).toHaveURL(/\/change-password$/);
  await page.getByLabel("Current password").fill(shared().oneTimePassword);
  await page.getByLabel("New password", { exact: true }).fill(ownPassword);
  await page.getByLabel("New password again").fill(ownPassword);
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page).toHaveURL(`${shared().origin}/`);
  const cookies = await context.cookies();
  expect(cookies.find((cookie) => cookie.name.includes("session"))).toMatchObject({ httpOnly: true, sameSite: "Lax" });
  await context.storageState({ path: browserState });
});

test.describe("signed in", () => {
  test.use({ storageState: browserState });

  test("the demo is proven within two minutes of readiness", async ({ page }, testInfo) => {
    await page.goto("/");
    const leftMs = shared().readyAt + 120_000 - Date.now();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^1 of 1 servers can be restored; last proven /, {
      timeout: leftMs,
    });
    testInfo.annotations.push({
      type: "demo proven after",
      description: `${Math.round((Date.now() - shared().readyAt) / 1000)} s`,
    });
    // What runs just now is a table of its own, in which the server is named, too.
    const demo = page.getByRole("table", { name: "Servers" }).getByRole("row").filter({ hasText: "demo" });
    await expect(demo).toContainText("Protected");
    await expect(demo).toContainText("PostgreSQL 18");
    await expect(page.getByText("Save the recovery kit of default")).toBeVisible();
  });

  test("home is readable in light, in dark and on a telephone", async ({ page }, testInfo) => {
    await page.goto("/");
    for (const scheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      const clip = { x: 0, y: 0, width: 1280, height: 540 };
      await page.screenshot({ path: testInfo.outputPath(`home-${scheme}.png`), clip });
    }
    await page.setViewportSize({ width: 390, height: 844 });
    await page.screenshot({ path: testInfo.outputPath("home-390.png"), fullPage: true });
    expect(await page.evaluate(overflow), "pixels that stick out to the right").toBeLessThanOrEqual(0);
  });
});
