import type { Locator } from "@playwright/test";
import { expect } from "./story.ts";

/**
 * Waits until a control does what it is there for: before, it is only drawn, and what is typed into it is lost. React marks
 * each element it has taken over.
 */
export async function hydrated(control: Locator): Promise<void> {
  const isTaken = (element: object) => Object.keys(element).some((name) => name.startsWith("__reactProps$"));
  await expect.poll(async () => await control.evaluate(isTaken), { message: "the page takes input" }).toBe(true);
}
