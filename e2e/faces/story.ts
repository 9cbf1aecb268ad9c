import { test as base, expect, type Page } from "@playwright/test";
import { shared } from "../product/shared.ts";

/**
 * A story in a browser. Whatever pages it opens, it fails when one of them asks another host for anything, or throws.
 */
export const test = base.extend({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads which fixtures are wanted from the pattern.
  baseURL: async ({}, use) => use(shared().origin),
  context: async ({ context, baseURL }, use) => {
    const foreign: string[] = [];
    const thrown: string[] = [];
    const own = new URL(baseURL ?? "").host;
    context.on("request", (request) => {
      const url = new URL(request.url());
      if (url.protocol !== "data:" && url.protocol !== "blob:" && url.host !== own) foreign.push(request.url());
    });
    context.on("weberror", (webError) => thrown.push(String(webError.error())));
    await use(context);
    expect(foreign, "requests to other hosts").toEqual([]);
    expect(thrown, "errors that pages threw").toEqual([]);
  },
});

/** Waits for the page of a run to say how it ended. */
export async function expectRunState(page: Page, state: string, timeoutMs = 60_000): Promise<void> {
  await expect(page).toHaveURL(/\/runs\/run_/);
  const badge = page
    .getByRole("main")
    .getByText(/^(Succeeded|Failed|Interrupted|Cancelled)$/)
    .first();
  await expect(badge).toBeVisible({ timeout: timeoutMs });
  await expect(badge).toHaveText(state);
}

export { expect };
