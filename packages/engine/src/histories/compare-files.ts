import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32c } from "@tidemark/kit";
import { firstBlockOfFile, isRelationFile, pageKindOf, pageLsn, parseRelationPath, samePage } from "@tidemark/postgres";
import type { Extent, ManifestFile, ServerArea } from "@tidemark/repository";

const blockSize = 8192;

/**
 * Compares every relation's file of a backup with the data directory of a server that is quiet and has checkpointed:
 * which there are, how long they are, and every page under PostgreSQL's own masks. Also each file's CRC-32C with its
 * bytes, since the engine put it together from pieces. What differs, as sentences.
 */
export async function compareWithLive(
  area: ServerArea,
  backupId: string,
  live: { readonly dataDir: string; readonly major: number },
): Promise<readonly string[]> {
  const files = await readRelations(area, backupId);
  const paths = await livePaths(live.dataDir);
  const differences: string[] = [];
  for (const path of paths) if (!files.has(path)) differences.push(`${path} is not in the backup`);
  for (const [path, stored] of files) {
    if (crc32c(stored.bytes) !== stored.file.crc32c)
      differences.push(`${path} has another CRC-32C than its manifest says`);
    if (!paths.has(path)) differences.push(`${path} is in the backup and not on the server`);
    else differences.push(...comparePages(path, stored.bytes, await readFile(join(live.dataDir, path)), live.major));
  }
  return differences;
}

function comparePages(path: string, stored: Uint8Array, live: Uint8Array, major: number): readonly string[] {
  if (Buffer.compare(stored, live) === 0) return [];
  const differences: string[] = [];
  if (stored.length !== live.length) {
    differences.push(
      `${path} has ${stored.length / blockSize} blocks in the backup and ${live.length / blockSize} on the server`,
    );
  }
  const fork = parseRelationPath(path)?.fork ?? "main";
  for (let at = 0; at < Math.min(stored.length, live.length); at += blockSize) {
    const [before, now] = [stored.subarray(at, at + blockSize), live.subarray(at, at + blockSize)];
    const place = { fork, block: firstBlockOfFile(path) + at / blockSize, major };
    if (samePage(before, now, place)) continue;
    differences.push(
      `${path} block ${at / blockSize}: stored ${pageKindOf(before, fork)} of LSN ${pageLsn(before).toString(16)}, on the server ${pageKindOf(now, fork)} of LSN ${pageLsn(now).toString(16)}`,
    );
  }
  return differences;
}

/** The relations' files that a backup has: not the main forks of unlogged ones, which lie beside an `_init` fork. */
async function livePaths(dataDir: string): Promise<ReadonlySet<string>> {
  const names = (await readdir(dataDir, { recursive: true })).map(String);
  // A tablespace's folder is a link, which a recursive reading does not follow.
  for (const oid of await readdir(join(dataDir, "pg_tblspc"))) {
    const inside = await readdir(join(dataDir, "pg_tblspc", oid), { recursive: true });
    names.push(...inside.map((name) => join("pg_tblspc", oid, String(name))));
  }
  const relations = names.filter(isRelationFile);
  const unlogged = new Set(relations.filter((name) => name.endsWith("_init")).map((name) => name.slice(0, -5)));
  return new Set(
    relations.filter((name) => name.endsWith("_init") || !unlogged.has(name.replace(/(_fsm|_vm)?(\.\d+)?$/, ""))),
  );
}

interface StoredRelation {
  readonly file: ManifestFile;
  readonly bytes: Uint8Array;
}

/** Clusters of tests are small: all frames in memory. */
async function readRelations(area: ServerArea, backupId: string): Promise<ReadonlyMap<string, StoredRelation>> {
  const manifest = await area.openManifest(backupId);
  const files: ManifestFile[] = [];
  for await (const entry of manifest.entries()) {
    if (entry.kind === "file" && isRelationFile(Buffer.from(entry.path).toString())) files.push(entry);
  }
  const frames = await readFrames(
    area,
    files.flatMap((file) => file.extents),
  );
  return new Map(
    files.map((file) => {
      const bytes = new Uint8Array(Number(file.sizeBytes));
      for (const extent of file.extents) {
        if (extent.kind === "zeros") continue;
        const plain = frames.get(`${extent.packId}:${extent.frameIndex}`);
        if (plain === undefined) throw new Error(`frame ${extent.frameIndex} of ${extent.packId} is not there`);
        const run = plain.subarray(extent.offsetInFrame, extent.offsetInFrame + extent.lengthBytes);
        if (crc32c(run) !== extent.crc32c) throw new Error(`a run of ${Buffer.from(file.path)} has another CRC-32C`);
        bytes.set(run, Number(extent.fileOffset));
      }
      return [Buffer.from(file.path).toString(), { file, bytes }];
    }),
  );
}

async function readFrames(area: ServerArea, extents: readonly Extent[]): Promise<ReadonlyMap<string, Uint8Array>> {
  const wanted = new Map<string, number[]>();
  for (const extent of extents) {
    if (extent.kind === "frame") wanted.set(extent.packId, [...(wanted.get(extent.packId) ?? []), extent.frameIndex]);
  }
  const frames = new Map<string, Uint8Array>();
  for (const [packId, indexes] of wanted) {
    for await (const frame of area.frames().readFrames(packId, indexes)) {
      if (frame.kind === "damaged") throw new Error(frame.reason);
      frames.set(`${packId}:${frame.frameIndex}`, new Uint8Array(frame.plain));
    }
  }
  return frames;
}
