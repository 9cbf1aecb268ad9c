import type { Locator, Page } from "@playwright/test";
import { expect } from "./story.ts";

/** More stops than any page has: past it the place cannot be reached. */
const mostStops = 80;

/** Presses Tab until the place has the focus, and expects the focus to be visible there. */
export async function tabTo(page: Page, place: Locator): Promise<void> {
  await expect(place).toBeVisible();
  for (let stop = 0; stop < mostStops; stop++) {
    if (await place.evaluate((element) => element === document.activeElement)) break;
    await page.keyboard.press("Tab");
  }
  await expect(place, "reached with the Tab key").toBeFocused();
  const isMarked = await place.evaluate((element) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
    return (outlineStyle !== "none" && Number.parseFloat(outlineWidth) > 0) || boxShadow !== "none";
  });
  expect(isMarked, "the focus can be seen").toBe(true);
}
