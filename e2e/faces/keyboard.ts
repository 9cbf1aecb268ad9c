import type { Locator, Page } from "@playwright/test";
import { expect } from "./story.ts";

/** More stops than any page has: past it the place cannot be reached. */
const mostStops = 80;

/** Presses Tab until the place has the focus, and expects the focus to be visible there. */
export async function tabTo(page: Page, place: Locator): Promise<void> {
  await expect(place).toBeVisible();
  for (let stop = 0; stop < mostStops; stop++) {
    if ((await place.and(page.locator(":focus")).count()) > 0) break;
    await page.keyboard.press("Tab");
  }
  await expect(place, "reached with the Tab key").toBeFocused();
  await expect(place, "the focus can be seen").toHaveCSS("outline-style", "solid");
}
