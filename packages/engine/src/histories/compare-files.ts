import { readFileSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { crc32c } from "@tidemark/kit";
import { firstBlockOfFile, isRelationFile, pageKindOf, pageLsn, parseRelationPath, samePage } from "@tidemark/postgres";
import type { ManifestFile, ServerArea } from "@tidemark/repository";

const blockSize = 8192;

/**
 * Compares every relation's file of a backup with the data directory of a server that is quiet and has checkpointed:
 * which there are, how long they are, and every page under PostgreSQL's own masks. Also each file's CRC-32C with its
 * bytes, since the engine put it together from pieces.
 *
 * One comparison serves the backups of one server: a file that neither side has touched since it was compared is not read
 * again, and frames, which never change, stay open.
 */
export class LiveComparison {
  readonly #area: ServerArea;
  readonly #live: { readonly dataDir: string; readonly major: number };
  readonly #frames = new Map<string, Uint8Array>();
  /** What both sides were when they were last found to be the same. */
  readonly #same = new Map<string, string>();

  constructor(area: ServerArea, live: { readonly dataDir: string; readonly major: number }) {
    this.#area = area;
    this.#live = live;
  }

  /** What differs, as sentences. */
  async differences(backupId: string): Promise<readonly string[]> {
    const files = await readRelations(this.#area, backupId);
    const paths = await livePaths(this.#live.dataDir);
    const differences = [...paths].flatMap((path) => (files.has(path) ? [] : [`${path} is not in the backup`]));
    const touched = new Map<string, { readonly file: ManifestFile; readonly state: string }>();
    for (const [path, file] of files) {
      if (!paths.has(path)) differences.push(`${path} is in the backup and not on the server`);
      const state = paths.has(path) ? `${this.#liveState(path)} ${storedState(file)}` : "";
      if (paths.has(path) && this.#same.get(path) !== state) touched.set(path, { file, state });
    }
    await openFrames(
      this.#area,
      [...touched.values()].map(({ file }) => file),
      this.#frames,
    );
    for (const [path, { file, state }] of touched) {
      const found = this.#compare(path, file);
      differences.push(...found);
      if (found.length === 0) this.#same.set(path, state);
    }
    return differences;
  }

  #compare(path: string, file: ManifestFile): readonly string[] {
    const bytes = bytesOf(file, this.#frames);
    const differences = comparePages(path, bytes, readFileSync(join(this.#live.dataDir, path)), this.#live.major);
    if (crc32c(bytes) === file.crc32c) return differences;
    return [...differences, `${path} has another CRC-32C than its manifest says`];
  }

  #liveState(path: string): string {
    const { ino, size, mtimeNs, ctimeNs } = statSync(join(this.#live.dataDir, path), { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  }
}

function storedState({ sizeBytes, crc32c, extents }: ManifestFile): string {
  return `${sizeBytes} ${crc32c} ${extents.map((one) => (one.kind === "zeros" ? `${one.lengthBytes}` : `${frameKey(one)}+${one.offsetInFrame}`)).join()}`;
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

async function readRelations(area: ServerArea, backupId: string): Promise<ReadonlyMap<string, ManifestFile>> {
  const manifest = await area.openManifest(backupId);
  const files = new Map<string, ManifestFile>();
  for await (const entry of manifest.entries()) {
    const path = Buffer.from(entry.path).toString();
    if (entry.kind === "file" && isRelationFile(path)) files.set(path, entry);
  }
  return files;
}

function bytesOf(file: ManifestFile, frames: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const bytes = new Uint8Array(Number(file.sizeBytes));
  for (const extent of file.extents) {
    if (extent.kind === "zeros") continue;
    const plain = frames.get(frameKey(extent));
    if (plain === undefined) throw new Error(`frame ${extent.frameIndex} of ${extent.packId} is not there`);
    const run = plain.subarray(extent.offsetInFrame, extent.offsetInFrame + extent.lengthBytes);
    if (crc32c(run) !== extent.crc32c) throw new Error(`a run of ${Buffer.from(file.path)} has another CRC-32C`);
    bytes.set(run, Number(extent.fileOffset));
  }
  return bytes;
}

/** Clusters of tests are small: all in memory. */
async function openFrames(
  area: ServerArea,
  files: readonly ManifestFile[],
  frames: Map<string, Uint8Array>,
): Promise<void> {
  const wanted = new Map<string, number[]>();
  for (const { extents } of files) {
    for (const extent of extents) {
      if (extent.kind === "zeros" || frames.has(frameKey(extent))) continue;
      const indexes = wanted.get(extent.packId) ?? [];
      indexes.push(extent.frameIndex);
      wanted.set(extent.packId, indexes);
    }
  }
  const source = area.frames();
  for (const [packId, indexes] of wanted) {
    for await (const frame of source.readFrames(packId, indexes)) {
      if (frame.kind === "damaged") throw new Error(frame.reason);
      frames.set(frameKey({ packId, frameIndex: frame.frameIndex }), new Uint8Array(frame.plain));
    }
  }
}

function frameKey({ packId, frameIndex }: { readonly packId: string; readonly frameIndex: number }): string {
  return `${packId}:${frameIndex}`;
}
