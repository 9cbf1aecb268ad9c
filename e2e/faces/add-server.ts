import type { Locator, Page } from "@playwright/test";
import { expect } from "./story.ts";

/** Opens "Add server" and tests a connection; resolves when the test has ended. */
export async function testConnection(page: Page, dsn: string): Promise<void> {
  if (!new URL(page.url(), "http://nowhere").pathname.endsWith("/servers/add")) await page.goto("/servers/add");
  await page.getByLabel("Connection string").fill(dsn);
  await page.getByRole("button", { name: "Test connection" }).click();
  await expect(steps(page)).toBeVisible({ timeout: 30_000 });
  // Not to be pressed while it runs; then it is there again, or its place is taken by the way on.
  await expect(
    page.getByRole("button", { name: "Test connection" }).and(page.locator(":enabled")).or(nextButton(page)),
  ).toBeVisible();
}

/** One step of the connection test, by its title. */
export function step(page: Page, title: string): Locator {
  return steps(page).getByRole("listitem").filter({ hasText: title });
}

/** What the page says to paste: the text of a block by its caption. */
export async function remedy(page: Page, caption: string): Promise<string> {
  const block = steps(page).getByRole("figure").filter({ hasText: caption });
  return (await block.locator("pre").textContent()) ?? "";
}

export function nextButton(page: Page): Locator {
  return page.getByRole("button", { name: "Next: policy" });
}

function steps(page: Page): Locator {
  return page.getByRole("list", { name: "Steps of the connection test" });
}
