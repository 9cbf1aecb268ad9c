import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Locator } from "@playwright/test";
import type { TestServer } from "@tidemark/testkit";
import { expect } from "./story.ts";

/** Where a block of the page is to be pasted, by its caption, in the order a person does it. */
const captions = ["SQL", "pg_hba.conf", "postgresql.conf", "Reload", "Restart"] as const;

/**
 * Does what a DBA does with a remedy on the page: presses each copy button in `place` and pastes the clipboard where
 * the caption says. Gives the captions that were there. The context must allow the clipboard to be read.
 */
export async function mend(place: Locator, server: TestServer): Promise<readonly string[]> {
  const done: string[] = [];
  for (const caption of captions) {
    const block = place.getByRole("figure", { name: caption, exact: true });
    if ((await block.count()) === 0) continue;
    await paste(server, caption, await copied(block, caption));
    done.push(caption);
  }
  expect(done, "blocks to paste").not.toEqual([]);
  return done;
}

async function copied(block: Locator, caption: string): Promise<string> {
  await block.getByRole("button", { name: `Copy ${caption}` }).click();
  await expect(block.getByRole("status")).toHaveText(`${caption} copied`);
  // Text, so that these files need no browser's types.
  const text = await block.page().evaluate<string>("navigator.clipboard.readText()");
  expect(text).toBe(await block.locator("pre").textContent());
  return text;
}

async function paste(server: TestServer, caption: (typeof captions)[number], text: string): Promise<void> {
  switch (caption) {
    case "SQL":
    case "Reload":
      // As psql does: ALTER SYSTEM refuses to share a transaction.
      for (const statement of text.split(/;\s*(?:\n|$)/).filter((part) => part.trim() !== "")) {
        await server.query(statement);
      }
      return;
    case "pg_hba.conf": {
      const path = join(server.dataDir, caption);
      return await writeFile(path, `${text}\n${await readFile(path, "utf8")}`);
    }
    case "postgresql.conf": {
      const path = join(server.dataDir, caption);
      return await writeFile(path, `${await readFile(path, "utf8")}\n${text}\n`);
    }
    case "Restart":
      return await server.restart();
  }
}
