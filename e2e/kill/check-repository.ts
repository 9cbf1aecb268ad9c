import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { type ActControl, collectGarbage, verifyBackup } from "@tidemark/engine";
import { systemClock } from "@tidemark/kit";
import { expect } from "vitest";
import type { Product } from "./product.ts";

/** Every listed backup verifies; after a collection without grace nothing is in the repository but what they need. */
export async function checkRepository(product: Product): Promise<void> {
  const { area } = product;
  const control: ActControl = { signal: new AbortController().signal, emit: () => undefined };
  const needed: string[] = [];
  const listed = (await area.listBackups()).map(({ backupId }) => backupId);
  for (const backupId of listed) {
    const report = await verifyBackup(
      { area, clock: systemClock },
      { backupId, tier: "whole", subset: null, by: "user:test" },
      control,
    );
    expect(report.problems, backupId).toEqual([]);
    needed.push(...(await (await area.openManifest(backupId)).packIds()));
  }
  // The first pass marks what is dead, the second removes what was marked. Two hours later: a reader that was killed keeps
  // its lease for one.
  const clock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + 2 * 3_600_000) };
  for (let pass = 0; pass < 2; pass++) {
    await collectGarbage({ area, clock }, { graceMs: 0, runningBackupIds: [] }, control);
  }
  const left = await objectsOf(product);
  expect(left.packs?.sort(), "packs").toEqual([...new Set(needed)].sort());
  expect(left.leases ?? [], "leases").toEqual([]);
  expect(
    left.marks?.filter((about) => about !== "collection" && about !== "verification" && !listed.includes(about)) ?? [],
    "marks",
  ).toEqual([]);
  // The manifest's place of a dead run stays claimed, so that it cannot be committed after its packs have gone.
  const claimed = left.backups?.filter((backupId) => !listed.includes(backupId)) ?? [];
  const rows = await product.metadata.backups.getMany(claimed);
  const settled = rows.filter((row) => row.state === "interrupted" || row.state === "failed").map((row) => row.id);
  expect(claimed.sort(), "claimed places").toEqual(settled.sort());
  expect(Object.keys(left).sort(), "kinds of objects").toEqual(
    Object.keys(left)
      .filter((kind) => ["packs", "backups", "marks", "leases"].includes(kind))
      .sort(),
  );
}

/** Names below each folder of the server's area; of marks, what they are about. */
async function objectsOf({ repositoryDir, serverId }: Product): Promise<Record<string, string[]>> {
  const root = join(repositoryDir, serverId);
  const objects: Record<string, string[]> = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const [kind = "", name = ""] = relative(root, join(entry.parentPath, entry.name)).split("/");
    objects[kind] = [...(objects[kind] ?? []), name];
  }
  return objects;
}
