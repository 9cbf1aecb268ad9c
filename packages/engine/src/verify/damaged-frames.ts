import { AppError } from "@tidemark/kit";
import type { ManifestReader, ServerArea } from "@tidemark/repository";
import { throwIfCancelled } from "../act.ts";
import { usesFrame } from "./coverage.ts";
import { blocksOf, sayBlocks } from "./say-blocks.ts";
import type { VerifyProblems } from "./verify-problems.ts";

/** Frames found damaged, and which backups and blocks that hits. */
export class DamagedFrames {
  readonly #packs = new Map<string, Map<number, string>>();

  add(packId: string, frameIndex: number, reason: string): void {
    const frames = this.#packs.get(packId) ?? new Map<number, string>();
    this.#packs.set(packId, frames);
    frames.set(frameIndex, reason);
  }

  /** Nothing of the pack could be read, whichever frames it has. */
  addPack(packId: string, reason: string): void {
    this.add(packId, everyFrame, reason);
  }

  get isEmpty(): boolean {
    return this.#packs.size === 0;
  }

  /** What is wrong with a pack: the first reason, and its frames; none when it could not be read at all. */
  of(packId: string): { readonly frameIndexes: readonly number[]; readonly reason: string } | null {
    const frames = this.#packs.get(packId);
    if (frames === undefined) return null;
    const frameIndexes = frames.has(everyFrame) ? [] : [...frames.keys()];
    return { frameIndexes, reason: [...frames.values()][0] ?? "" };
  }

  #reason(packId: string, frameIndex: number): string | undefined {
    const frames = this.#packs.get(packId);
    return frames?.get(frameIndex) ?? frames?.get(everyFrame);
  }

  /** Reports every place of the damaged frames, in one more reading of the manifests; a place that backups share once. */
  async report(manifests: readonly ManifestReader[], hits: HitBackups, problems: VerifyProblems, signal: AbortSignal) {
    const said = new Set<string>();
    for (const manifest of manifests) {
      const { blockSize } = manifest.backup.facts;
      for await (const entry of manifest.entries()) {
        throwIfCancelled(signal);
        if (entry.kind !== "file") continue;
        for (const extent of entry.extents) {
          const reason = extent.kind === "frame" ? this.#reason(extent.packId, extent.frameIndex) : undefined;
          if (extent.kind !== "frame" || reason === undefined) continue;
          const path = Buffer.from(entry.path).toString("utf8");
          const { packId, frameIndex, lengthBytes } = extent;
          const blocks = blocksOf({ fileOffset: Number(extent.fileOffset), lengthBytes }, blockSize);
          const sentence = `${path}, ${sayBlocks(blocks)}: frame ${frameIndex} of pack ${packId} is damaged (${reason})`;
          if (said.has(sentence)) continue;
          said.add(sentence);
          const backupIds = await hits.using(packId, frameIndex);
          problems.add({ code: "frame-damaged", path, blocks, packId, backupIds, sentence });
        }
      }
    }
  }
}

/**
 * One that cannot be opened any more, or was deleted meanwhile, is not hit by what is found now. A store that cannot be
 * asked ends the verification: a backup left out here would be marked as verified.
 */
function lostAsNull(error: unknown): null {
  if (error instanceof AppError && (error.code === "manifest-missing" || error.code === "manifest-damaged"))
    return null;
  throw error;
}

const everyFrame = -1;

/** Which backups of the area need a frame; the manifests are only opened when something is wrong. */
export class HitBackups {
  readonly #area: ServerArea;
  #uses: Promise<readonly { readonly backupId: string; readonly use: ReadonlyMap<string, Uint8Array> }[]> | null = null;

  constructor(area: ServerArea) {
    this.#area = area;
  }

  async using(packId: string, frameIndex: number): Promise<readonly string[]> {
    this.#uses ??= this.#read();
    return (await this.#uses)
      .filter(({ use }) => usesFrame(use.get(packId), frameIndex))
      .map(({ backupId }) => backupId);
  }

  async #read() {
    const uses: { backupId: string; use: ReadonlyMap<string, Uint8Array> }[] = [];
    for (const { backupId, damaged } of await this.#area.listBackups()) {
      if (damaged !== null) continue;
      const manifest = await this.#area.openManifest(backupId).catch(lostAsNull);
      if (manifest !== null) uses.push({ backupId, use: await manifest.frameUse() });
    }
    return uses;
  }
}
