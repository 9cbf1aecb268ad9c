import { testServer } from "@tidemark/testkit";
import { done } from "../faces/command.ts";
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
