import type { Locator, Page } from "@playwright/test";
import { expect } from "./story.ts";

/** Opens "Add server" and tests a connection; resolves when the test has ended. */
export async function testConnection(page: Page, dsn: string): Promise<void> {
  if (!new URL(page.url(), "http://nowhere").pathname.endsWith("/servers/add")) await page.goto("/servers/add");
  await page.getByLabel("Connection string").fill(dsn);
  await pressTest(page);
}

/** Tests what is typed already once more; resolves when the test has ended. */
export async function testAgain(page: Page): Promise<void> {
  await pressTest(page);
}

async function pressTest(page: Page): Promise<void> {
  await page.getByRole("button", { name: /^Test (connection|again)$/ }).click();
  await expect(steps(page)).toBeVisible({ timeout: 30_000 });
  // Its name while it runs is `Test connection`: then it is one to be pressed again, or beside the way on.
  await expect(page.getByRole("button", { name: "Test again" })).toBeVisible();
}

/** One step of the connection test, by its title. */
export function step(page: Page, title: string): Locator {
  return steps(page).getByRole("listitem").filter({ hasText: title });
}

/** What the page says to paste: the text of a block by its caption. */
export async function remedy(page: Page, caption: string): Promise<string> {
  return (await steps(page).getByRole("figure", { name: caption, exact: true }).locator("pre").textContent()) ?? "";
}

export function nextButton(page: Page): Locator {
  return page.getByRole("button", { name: "Next: policy" });
}

function steps(page: Page): Locator {
  return page.getByRole("list", { name: "Steps of the connection test" });
}
