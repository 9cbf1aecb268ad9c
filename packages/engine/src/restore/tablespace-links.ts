import { mkdir, open, readlink, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorCode } from "@tidemark/kit";
import { encodeTablespaceMap, parseTablespaceMap } from "@tidemark/postgres";
import type { RestorePlan } from "./plan-restore.ts";
import { type RestorePlaces, tablespaceMapPath } from "./restore-places.ts";

/** The map with the new places, which PostgreSQL makes its links from when it starts; null when the backup has none. */
export function rewriteTablespaceMap(plan: RestorePlan): Uint8Array | null {
  const entries = parseTablespaceMap(Buffer.from(plan.facts.tablespaceMap));
  if (entries.length === 0) return null;
  return encodeTablespaceMap(
    entries.map(({ oid, path }) => {
      const place = plan.tablespaces.find((one) => one.oid === oid);
      return { oid, path: place === undefined ? path : Buffer.from(place.to) };
    }),
  );
}

/** Links each tablespace to where it was restored, and writes the map. Links that are right stay. */
export async function makeTablespaceLinks(
  plan: RestorePlan,
  places: RestorePlaces,
  tablespaceMap: Uint8Array | null,
): Promise<void> {
  if (plan.tablespaces.length > 0) {
    await mkdir(join(plan.targetDirectory, "pg_tblspc"), { recursive: true, mode: 0o700 });
  }
  for (const { oid, to } of plan.tablespaces) await link(to, join(plan.targetDirectory, "pg_tblspc", String(oid)));
  if (tablespaceMap === null) return;
  const handle = await open(places.below(tablespaceMapPath), "r+");
  try {
    await handle.truncate(0);
    await handle.writeFile(tablespaceMap);
  } finally {
    await handle.close();
  }
}

async function link(to: string, path: string): Promise<void> {
  try {
    if ((await readlink(path)) === to) return;
    await rm(path);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
  await symlink(to, path);
}
