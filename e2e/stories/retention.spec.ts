import { testServer } from "@tidemark/testkit";
import { done } from "../faces/command.ts";
import { expect, expectRunState, test } from "../faces/story.ts";

interface Listed {
  readonly id: string;
  readonly state: string;
  readonly note: string | null;
}

test("retention shows its reasons first, keeps what is held, and deletes only when told how many", async ({ page }) => {
  await using server = await testServer();
  await done(["server", "add", "kept", "--dsn", server.dsn(), "--keep-last", "7", "--wait"]);
  for (const label of ["second", "third", "fourth"]) {
    await done(["backup", "create", "kept", "--label", label, "--wait"]);
  }
  const [newest, third, second, first] = await done<readonly Listed[]>(["backup", "list", "kept"]);
  if (newest === undefined || third === undefined || second === undefined || first === undefined) {
    throw new Error("four backups were taken");
  }

  // Hold the oldest and write a note on it.
  await page.goto(`/backups/${first.id}`);
  await page.getByRole("button", { name: "Hold…" }).click();
  await page.getByLabel("Reason").fill("the auditors asked for it");
  await page.getByRole("button", { name: "Hold backup" }).click();
  await expect(page.getByRole("dialog")).toBeHidden({ timeout: 20_000 });
  await expect(page.getByText("the auditors asked for it").first()).toBeVisible();
  await page.getByRole("textbox", { name: "Note" }).fill("taken before the great migration");
  await page.getByRole("button", { name: "Save note" }).click();
  await expect(page.getByText("Saved.")).toBeVisible({ timeout: 20_000 });

  // Preview what other numbers would do, save them, apply.
  await page.goto("/servers/kept/settings");
  await page.getByLabel("Keep the last").fill("1");
  await page.getByLabel("Keep for").fill("");
  await page.getByLabel("Never fewer than").fill("1");
  const preview = page.getByRole("region", { name: "Preview" });
  await expect(preview.getByRole("row").filter({ has: page.getByText("Deleted", { exact: true }) })).toHaveCount(2);
  // What is kept of its WAL is a table of its own.
  const backups = preview.getByRole("table", { name: /^Decisions: / });
  await expect(backups.getByRole("row").filter({ has: page.getByText("Kept", { exact: true }) })).toHaveCount(2);
  await expect(preview.getByRole("row").filter({ hasText: "the auditors asked for it" })).toContainText("Kept");
  // Two years ahead: one backup of those to come; what is held stays.
  const simulation = page.getByRole("region", { name: "Simulation" });
  await simulation.getByRole("slider", { name: "What will be there" }).fill("12");
  await expect(simulation.getByText("In 2 years")).toBeVisible();
  await expect(simulation.getByRole("row").filter({ has: page.getByText("Gone") })).toHaveCount(2);
  await expect(simulation.getByRole("row").filter({ hasText: "the auditors asked for it" })).toContainText("Kept");
  // Another tool's words stand for numbers.
  await page.getByLabel("Or as another tool writes it").fill("REDUNDANCY 2");
  await expect(preview.getByRole("row").filter({ has: page.getByText("Deleted", { exact: true }) })).toHaveCount(1);
  await page.getByLabel("Or as another tool writes it").fill("");
  await page.getByRole("button", { name: "Save policy" }).click();
  await expect(page.getByText("Saved. Nothing is deleted until retention runs.")).toBeVisible();
  await page.getByRole("button", { name: "Apply now…" }).click();
  const dialog = page.getByRole("dialog");
  const apply = dialog.getByRole("button", { name: "Delete 2 backups" });
  await expect(apply).toBeDisabled();
  await dialog.getByLabel("Type 2 to delete 2 backups").fill("2");
  await apply.click();
  await expectRunState(page, "Succeeded");

  const left = await done<readonly Listed[]>(["backup", "list", "kept"]);
  const usable = left.filter((backup) => backup.state === "restorable");
  expect(usable.map((backup) => backup.id)).toEqual([newest.id, first.id]);
  expect(usable[1]?.note).toBe("taken before the great migration");

  // Held: it cannot be deleted. Released: the plan is shown, then it goes.
  await page.goto(`/backups/${first.id}`);
  await page.getByRole("button", { name: "Delete…" }).click();
  await expect(page.getByRole("dialog")).toContainText("It may not be deleted now");
  await page.getByRole("button", { name: "Keep it" }).click();
  await page.getByRole("button", { name: "Release hold" }).click();
  await expect(page.getByRole("button", { name: "Hold…" })).toBeVisible({ timeout: 20_000 });
  await page.getByRole("button", { name: "Delete…" }).click();
  await expect(page.getByRole("dialog").getByRole("listitem").first()).toBeVisible();
  await page.getByRole("button", { name: "Delete backup" }).click();
  await expectRunState(page, "Succeeded");

  // The newest usable one is never deletable.
  await page.goto(`/backups/${newest.id}`);
  await page.getByRole("button", { name: "Delete…" }).click();
  await expect(page.getByRole("dialog")).toContainText("It may not be deleted now");
  await expect(page.getByRole("button", { name: "Delete backup" })).toHaveCount(0);
});
