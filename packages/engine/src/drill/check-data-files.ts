import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, formatBytes } from "@tidemark/kit";
import { throwIfCancelled } from "../act.ts";
import { inspectPages, type PageLayout, pageInspectionOf } from "../backup/page-inspection.ts";
import type { DrillCheck } from "./drill-question.ts";

/**
 * Checks every page of a cluster that was recovered and shut down cleanly. What a backup could only call *suspect* is
 * decided here: recovery has rewritten every torn page, so a wrong checksum now is damage.
 */
export async function checkDataFiles(request: {
  readonly dataDir: string;
  /** Folders of the tablespaces, by OID. */
  readonly tablespaces: readonly { readonly oid: number; readonly to: string }[];
  readonly layout: PageLayout;
  readonly deadlineMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): Promise<DrillCheck> {
  const buffer = Buffer.alloc(readBytes);
  const wrong: string[] = [];
  let checkedBytes = 0;
  for await (const { path, name } of relationFiles(request)) {
    throwIfCancelled(request.signal);
    if (request.clock.monotonicMs() > request.deadlineMs) {
      return {
        name: "page checksums",
        ok: wrong.length === 0,
        provesDamage: wrong.length > 0,
        detail: `${formatBytes(checkedBytes)} checked before the time was up${list(wrong)}`,
      };
    }
    const { blocks, bytes } = await checkFile(path, name, request.layout, buffer);
    checkedBytes += bytes;
    if (blocks.length > 0) wrong.push(`${name} block ${blocks.slice(0, 5).join(", ")}`);
  }
  return {
    name: "page checksums",
    ok: wrong.length === 0,
    provesDamage: wrong.length > 0,
    detail: `${formatBytes(checkedBytes)} checked${list(wrong)}`,
  };
}

function list(wrong: readonly string[]): string {
  if (wrong.length === 0) return "";
  return `; wrong in ${wrong.slice(0, 10).join("; ")}${wrong.length > 10 ? ` and ${wrong.length - 10} more files` : ""}`;
}

async function checkFile(path: string, name: string, layout: PageLayout, buffer: Buffer) {
  const inspection = pageInspectionOf(Buffer.from(name), layout, newestLsn);
  const blocks: number[] = [];
  let position = 0;
  if (inspection === null) return { blocks, bytes: 0 };
  const handle = await open(path, "r");
  try {
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      const whole = bytesRead - (bytesRead % layout.blockSize);
      if (whole === 0) return { blocks, bytes: position };
      blocks.push(...inspectPages(buffer.subarray(0, whole), inspection, position));
      position += whole;
    }
  } finally {
    await handle.close();
  }
}

/** Files that may hold pages, with their path below the data directory as PostgreSQL names it. */
async function* relationFiles(
  request: Parameters<typeof checkDataFiles>[0],
): AsyncGenerator<{ path: string; name: string }> {
  const folders = [
    { path: join(request.dataDir, "global"), name: "global" },
    { path: join(request.dataDir, "base"), name: "base" },
    ...request.tablespaces.map(({ oid, to }) => ({ path: to, name: `pg_tblspc/${oid}` })),
  ];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await readdir(folder.path, { withFileTypes: true })) {
      const place = { path: join(folder.path, entry.name), name: `${folder.name}/${entry.name}` };
      if (entry.isDirectory()) folders.push(place);
      else if (entry.isFile()) yield place;
    }
  }
}

/** No page is newer: every one counts. */
const newestLsn = 0xffff_ffff_ffff_ffffn;
const readBytes = 1024 * 1024;
