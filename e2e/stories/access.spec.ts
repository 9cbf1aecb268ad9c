import { AxeBuilder } from "@axe-core/playwright";
import type { Page, TestInfo } from "@playwright/test";
import { testServer } from "@tidemark/testkit";
import { overflow } from "../faces/fit.ts";
import { data } from "../faces/graphql.ts";
import { hydrated } from "../faces/hydrated.ts";
import { tabTo } from "../faces/keyboard.ts";
import { expect, expectRunState, test } from "../faces/story.ts";
import { ownPassword } from "../product/shared.ts";

// Every page is drawn again and again: recording all of it takes longer than the checks.
test.use({ trace: "off" });

/** WCAG 2.2 AA and what it builds on. */
const wcag = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

test("every page is accessible in light and dark, and fits a telephone", async ({ page }, testInfo) => {
  test.slow();
  for (const path of await everyPage()) {
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await inspect(page, path, testInfo);
  }
});

test("the login is accessible in light and dark, and fits a telephone", async ({ browser, baseURL }, testInfo) => {
  const context = await browser.newContext({ storageState: { cookies: [], origins: [] }, baseURL: baseURL ?? "" });
  const page = await context.newPage();
  await page.goto("/login");
  await inspect(page, "/login", testInfo);
  await context.close();
});

/**
 * Run in the page; text, so that these files need no types of a browser's. Transitions begin with the next frame, which
 * on a busy machine is not there yet; when one ends, what inherits from it may begin another.
 */
const transitionsEnded = `
  (async () => {
    for (;;) {
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      const transitions = document.getAnimations().filter((one) => one instanceof CSSTransition);
      if (transitions.length === 0) return;
      await Promise.allSettled(transitions.map((one) => one.finished));
    }
  })()`;

async function inspect(page: Page, path: string, testInfo: TestInfo): Promise<void> {
  const name =
    path
      .replace(/(bak|run|rep)_\w+/, "$1")
      .replaceAll(/\W+/g, "-")
      .replaceAll(/^-|-$/g, "") || "home";
  for (const scheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    // What still fades from one scheme to the other has neither's contrast.
    await page.evaluate(transitionsEnded);
    const { violations } = await new AxeBuilder({ page }).withTags(wcag).analyze();
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
    expect.soft(found, `${path} in ${scheme}`).toEqual([]);
    await page.screenshot({ path: testInfo.outputPath(`${name}-${scheme}.png`) });
  }
  await page.setViewportSize({ width: 390, height: 844 });
  // The drawing of a time line takes its new width when it hears of it.
  await expect
    .configure({ soft: true })
    .poll(() => page.evaluate<number>(overflow), { message: `${path}: pixels that stick out to the right at 390` })
    .toBeLessThanOrEqual(0);
  await page.screenshot({ path: testInfo.outputPath(`${name}-390.png`) });
}

/** Every address of the dashboard, with the demo's proven backup and its runs where one has an id in it. */
async function everyPage(): Promise<readonly string[]> {
  const { server, repositories } = await data<Places>(
    `{ server(name: "demo") { lastProven { id } runs(first: 50) { nodes { id kind } } } repositories(first: 1) { nodes { id } } }`,
  );
  const runs = ["BACKUP", "DRILL"].map((kind) => server.runs.nodes.find((run) => run.kind === kind)?.id);
  return [
    "/",
    "/servers/add",
    ...serverTabs.map((tab) => `/servers/demo${tab}`),
    `/backups/${server.lastProven.id}`,
    "/runs",
    ...runs.map((id) => `/runs/${id}`),
    `/runs/${runs[1]}/evidence`,
    "/repositories",
    `/repositories/${repositories.nodes[0]?.id}`,
    "/audit",
    "/system",
    "/account",
    "/servers/nobody",
  ];
}

const serverTabs = [
  "",
  "/recovery",
  "/backups",
  "/wal",
  "/drills",
  "/readiness?state=ALL",
  "/server",
  "/runs",
  "/settings",
  "/restore",
] as const;

interface Places {
  readonly server: {
    readonly lastProven: { readonly id: string };
    readonly runs: { readonly nodes: readonly { readonly id: string; readonly kind: string }[] };
  };
  readonly repositories: { readonly nodes: readonly { readonly id: string }[] };
}

test("with the keyboard alone: log in, add a server, watch its first backup", async ({ browser, baseURL }) => {
  await using server = await testServer();
  const context = await browser.newContext({ storageState: { cookies: [], origins: [] }, baseURL: baseURL ?? "" });
  const page = await context.newPage();
  await page.goto("/");
  await expect(page.getByLabel("Password")).toBeFocused();
  await page.keyboard.type(ownPassword);
  await page.keyboard.press("Enter");

  await tabTo(page, page.getByRole("link", { name: "Skip to content" }));
  await tabTo(page, page.getByRole("link", { name: "Add server" }).first());
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Connection string")).toBeFocused();
  await page.keyboard.type(server.dsn());
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Next: policy" })).toBeEnabled({ timeout: 20_000 });
  await tabTo(page, page.getByLabel("Name"));
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type("by-keyboard");
  await tabTo(page, page.getByRole("button", { name: "Next: policy" }));
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("button", { name: "Next: finish" }));
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("button", { name: "Finish" }));
  await page.keyboard.press("Enter");
  await expectRunState(page, "Succeeded");
  await expect(page.getByRole("heading", { name: "Backup of by-keyboard" })).toBeVisible();
  await context.close();
});

test("a dialog begins at its first field, and Escape leads back to where it was opened", async ({ page }) => {
  await page.goto("/servers/demo/drills");
  const trigger = page.getByRole("button", { name: "Run a drill…" });
  await hydrated(trigger);
  await tabTo(page, trigger);
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Run a drill" });
  await expect(dialog.getByLabel("To", { exact: true })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  await expect(trigger).toBeFocused();
});

test("the GraphQL explorer runs from this host alone and knows what can be asked", async ({ page }) => {
  await page.goto("/graphiql");
  await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
  await page.getByRole("link", { name: "Query", exact: true }).click();
  await expect(page.getByText("Everything that can be asked.")).toBeVisible();
});
