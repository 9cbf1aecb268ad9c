import { testServer } from "@tidemark/testkit";
import { done } from "../faces/command.ts";
import { data } from "../faces/graphql.ts";
import { hydrated } from "../faces/hydrated.ts";
import { expect, test } from "../faces/story.ts";

test("WAL that nobody keeps is streamed from the page that says so", async ({ page }) => {
  await using server = await testServer();
  await done(["server", "add", "unkept", "--dsn", server.dsn(), "--no-first-backup", "--wait"]);
  await done(["server", "wal", "unkept", "none"]);
  await page.goto("/servers/unkept/wal");
  const stream = page.getByRole("button", { name: "Stream its WAL" });
  await hydrated(stream);
  await stream.click();
  await expect(stream).toHaveCount(0);
  // A worker takes it up, connects and makes the slot; the page asks again every few seconds.
  await expect(page.getByRole("region", { name: "Receiver" })).toContainText("Streaming since", { timeout: 120_000 });
});

test("how WAL comes is chosen in the settings, with what is to be done on the host", async ({ page }) => {
  await using server = await testServer();
  await done(["server", "add", "chosen", "--dsn", server.dsn(), "--no-first-backup", "--wal", "none", "--wait"]);
  await page.goto("/servers/chosen/settings");
  const panel = page.getByRole("region", { name: "WAL", exact: true });
  const save = panel.getByRole("button", { name: "Save WAL mode" });
  const saved = panel.getByText("Saved. The WAL tab shows what comes.");
  const push = panel.getByRole("radio", { name: /^Push/ });
  await hydrated(push);
  await expect(save).toBeDisabled();

  await push.check();
  await expect(panel.getByRole("figure", { name: "command" })).toContainText("tidemark server host-config chosen --to");
  await expect(panel.getByRole("figure", { name: "postgresql.conf" })).toContainText("wal push --config");
  await save.click();
  await expect(saved).toBeVisible();
  expect(await walOf("chosen")).toEqual({ mode: "PUSH", synchronous: false });
  await page.goto("/servers/chosen/wal");
  const pushed = page.getByRole("region", { name: "Pushed by the server" });
  await expect(pushed).toContainText("No segment has come yet.");
  await expect(pushed.getByRole("figure", { name: "postgresql.conf" })).toBeVisible();

  await page.goto("/servers/chosen/settings");
  await hydrated(push);
  await panel.getByRole("radio", { name: /^Stream/ }).check();
  await panel.getByLabel("Commits may wait for us").check();
  await save.click();
  await expect(saved).toBeVisible();
  expect(await walOf("chosen")).toEqual({ mode: "STREAM", synchronous: true });

  // The slot stays when nobody streams any more: that is said before it is saved.
  await panel.getByRole("radio", { name: /^None/ }).check();
  await expect(panel.getByText(/drop it on the Server tab/)).toBeVisible();
  await panel.getByRole("button", { name: "Discard change" }).click();
  await expect(panel.getByRole("radio", { name: /^Stream/ })).toBeChecked();
  await panel.getByRole("radio", { name: /^None/ }).check();
  await save.click();
  await expect(saved).toBeVisible();
  expect((await walOf("chosen")).mode).toBe("NONE");
});

interface Wal {
  readonly mode: string;
  readonly synchronous: boolean;
}

async function walOf(name: string): Promise<Wal> {
  const { server } = await data<{ server: { wal: Wal } }>(
    "query ($name: String) { server(name: $name) { wal { mode synchronous } } }",
    { name },
  );
  return server.wal;
}
