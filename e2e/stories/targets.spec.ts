import { testServer } from "@tidemark/testkit";
import { done, tidemark } from "../faces/command.ts";
import { data, serverNamed } from "../faces/graphql.ts";
import { hydrated } from "../faces/hydrated.ts";
import { tabTo } from "../faces/keyboard.ts";
import { expect, test } from "../faces/story.ts";

interface Promised {
  readonly rpoTargetSeconds: number | null;
  readonly rtoTargetSeconds: number | null;
  readonly proofDays: number | null;
  readonly verifyDays: number | null;
}

test("what is promised of a server is set on the page, read back everywhere, and refused where it makes no sense", async ({
  page,
}) => {
  await using server = await testServer();
  await done(["server", "add", "promised", "--dsn", server.dsn(), "--no-first-backup"]);
  await page.goto("/servers/promised/settings");
  const targets = page.getByRole("region", { name: "Targets" });
  const lost = targets.getByLabel("Commits that may be lost", { exact: true });
  const restored = targets.getByLabel("A restore may take", { exact: true });
  const proven = targets.getByLabel("A proof counts for", { exact: true });
  const verified = targets.getByLabel("Verify everything stored every", { exact: true });
  const save = targets.getByRole("button", { name: "Save targets" });
  const refusal = targets.getByRole("alert");

  // What is no duration is said where it is typed; what is none that can be kept, by whoever keeps it.
  await hydrated(lost);
  await lost.fill("soon");
  await expect(lost).toHaveAccessibleDescription(/Write it as 90 s, 5 min, 2 h or 1 d\./);
  await expect(save).toBeDisabled();
  await lost.fill("1 s");
  await save.click();
  await expect(refusal).toContainText("commits that may be lost: from 5 s to 31 days");

  await lost.fill("5 min");
  await restored.fill("2 h");
  await proven.fill("14");
  await tabTo(page, verified);
  await page.keyboard.type("30");
  await page.keyboard.press("Enter");
  await expect(targets.getByText("Saved.")).toBeVisible();
  await expect(refusal).toHaveCount(0);

  // The same by the command and by the api, and on the page when it is opened anew.
  const saved = { rpoTargetSeconds: 300, rtoTargetSeconds: 7_200, proofDays: 14, verifyDays: 30 };
  expect(await done<Promised>(["policy", "show", "promised"])).toMatchObject(saved);
  const { id } = await serverNamed("promised");
  const asked = await data<{ server: { policy: Promised } }>(
    "query ($id: ID!) { server(id: $id) { policy { rpoTargetSeconds rtoTargetSeconds proofDays verifyDays } } }",
    { id },
  );
  expect(asked.server.policy).toEqual(saved);
  await page.reload();
  await expect(lost).toHaveValue("5 min");
  await expect(restored).toHaveValue("2 h");
  await expect(proven).toHaveValue("14");
  await expect(verified).toHaveValue("30");
  await page.goto("/servers/promised");
  await expect(page.getByRole("region", { name: "Facts" })).toContainText(
    "At most 5 min of commits lost, restored within 2 h, proven every 14 days",
  );

  // The command's turn: what it may not be leaves all as it was; what it may be is on the page.
  const refused = await tidemark(["policy", "set", "promised", "--proof-days", "4000"]);
  expect(`${refused.exitCode}: ${refused.stdout}${refused.stderr}`).toMatch(/^2: [\s\S]*from 1 to 3650/);
  const unread = await tidemark(["policy", "set", "promised", "--rpo", "soon"]);
  expect(`${unread.exitCode}: ${unread.stderr}`).toMatch(/^2: [\s\S]*--rpo takes a duration/);
  expect(await done<Promised>(["policy", "show", "promised"])).toMatchObject(saved);
  await page.goto("/servers/promised/settings");
  await expect(lost).toHaveValue("5 min");
  await done(["policy", "set", "promised", "--rpo", "10min"]);

  // A page that was opened before does not write over it.
  await hydrated(restored);
  await restored.fill("3 h");
  await save.click();
  await expect(refusal).toContainText("changed by somebody else");
  await page.reload();
  await expect(lost).toHaveValue("10 min");
  await expect(restored).toHaveValue("2 h");
});
