import { adoptCluster, serverFolder, tempDir, testPostgres, testServer, waitFor } from "@tidemark/testkit";
import { done } from "../faces/command.ts";
import { expect, expectRunState, test } from "../faces/story.ts";

interface Window {
  readonly lifetimes: readonly { readonly liveEdge: { readonly lastCommit: { readonly at: string } | null } | null }[];
}

test("the time line leads back to an instant between two changes", async ({ page }) => {
  test.setTimeout(150_000);
  await using server = await testServer();
  await server.query("CREATE TABLE kept (word text)");
  await done(["server", "add", "to-a-second", "--dsn", server.dsn(), "--wait"]);
  await waitFor(
    async () =>
      (await done<readonly { state: string }[]>(["backup", "list", "to-a-second"]))[0]?.state === "restorable",
    { what: "the first backup", timeoutMs: 60_000 },
  );
  await server.query("INSERT INTO kept VALUES ('before')");
  // Whole seconds are what one types: the instant lies between the two changes.
  const [between] = await server.query<{ at: string }>(
    "SELECT to_char((date_trunc('second', clock_timestamp()) + interval '1 s') AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS at",
  );
  const instant = `${between?.at}Z`;
  await server.query(`SELECT pg_sleep_until('${instant}'::timestamptz + interval '20 ms')`);
  await server.query("INSERT INTO kept VALUES ('after')");
  await waitFor(
    async () => {
      const { lifetimes } = await done<Window>(["window", "show", "to-a-second"]);
      const at = lifetimes[0]?.liveEdge?.lastCommit?.at;
      return at !== undefined && Date.parse(at) > Date.parse(instant.replace(" ", "T"));
    },
    { what: "the second change to be durable", timeoutMs: 30_000 },
  );

  await page.goto("/servers/to-a-second/recovery");
  await expect(page.getByText(/Everything up to .* can be restored/)).toBeVisible();
  await expect(page.getByRole("table", { name: "Recoverable stretches and gaps" })).toContainText("Recoverable");
  const slider = page.getByRole("slider", { name: "Instant to restore to" });
  await page.getByLabel("Instant", { exact: true }).fill(instant);
  await page.getByRole("button", { name: "Go there" }).click();
  await expect(slider).toHaveAttribute("aria-valuetext", new RegExp(`${instant.slice(11, 19)}|recoverable`));
  const chosen = await slider.getAttribute("aria-valuenow");
  await slider.press("ArrowLeft");
  await slider.press("ArrowRight");
  await expect(slider).toHaveAttribute("aria-valuenow", chosen ?? "");
  await page.getByLabel("Instant", { exact: true }).fill("2020-01-01 00:00:00Z");
  await page.getByRole("button", { name: "Go there" }).click();
  await expect(page.getByText(/The nearest instant is/)).toBeVisible();

  await page.getByRole("link", { name: "Restore to this instant…" }).click();
  await expect(page.getByRole("radio", { name: "An instant" })).toBeChecked();
  await page.getByLabel("Instant", { exact: true }).fill("2090-01-01 00:00:00Z");
  await page.getByRole("button", { name: /^The last before it/ }).click();
  await expect(page.getByText(/From the backup of/)).toBeVisible();
  await page.getByLabel("Instant", { exact: true }).fill(instant);
  await expect(page.getByText(/From the backup of/)).toBeVisible();
  await page.getByRole("button", { name: "Next: where" }).click();
  await using dir = await tempDir("to-a-second");
  const target = await serverFolder(dir, "restored");
  await page.getByLabel("Directory", { exact: true }).fill(target);
  await page.getByRole("button", { name: "Check and plan" }).click();
  await expect(page.getByRole("region", { name: "Review" })).toContainText("Recovers to", { timeout: 30_000 });
  await page.getByRole("button", { name: "Restore", exact: true }).click();
  await expectRunState(page, "Succeeded");

  const like = {
    superuser: server.superuser,
    password: server.password,
    cluster: { installation: await testPostgres(18) },
  };
  await using restored = await adoptCluster(dir, like, { dataDir: target });
  await waitFor(
    async () => (await restored.query<{ over: boolean }>("SELECT NOT pg_is_in_recovery() AS over"))[0]?.over === true,
    { what: "the restored server to be promoted" },
  );
  expect(await restored.query("SELECT word FROM kept")).toEqual([{ word: "before" }]);
});

test("the WAL tab says that it streams, and what would be lost", async ({ page }) => {
  await page.goto("/servers/demo/wal");
  const receiver = page.getByRole("region", { name: "Receiver" });
  await expect(receiver.getByText("Streaming since")).toBeVisible({ timeout: 30_000 });
  await expect(page.getByRole("region", { name: "The slot at the server" })).toContainText("tidemark_");
  await expect(page.getByRole("region", { name: "Gaps" })).toContainText("None");
});
