import { crc32c } from "@tidemark/kit";
import type { PackVerification } from "@tidemark/repository";
import type { VerifyCoverage, VerifySubset } from "./verify-types.ts";

/**
 * What is verified of the frames some backups need. `use` has a bitmap of needed frames for each pack, as
 * `ManifestReader.frameUse` gives it; those of several backups are joined with `joinUse`.
 */
export function coverageOf(
  use: ReadonlyMap<string, Uint8Array>,
  verifications: readonly PackVerification[],
): VerifyCoverage {
  const byPack = new Map<string, PackVerification[]>();
  for (const one of verifications) byPack.set(one.packId, [...(byPack.get(one.packId) ?? []), one]);
  const stored = new Tally();
  const whole = new Tally();
  const damagedPackIds: string[] = [];
  let needed = 0;
  for (const [packId, bitmap] of use) {
    const frames = countBits(bitmap);
    needed += frames;
    const results = byPack.get(packId) ?? [];
    const newest = results.reduce<PackVerification | null>(
      (best, one) => (best === null || one.at > best.at ? one : best),
      null,
    );
    if (newest !== null && newest.damage !== null) {
      damagedPackIds.push(packId);
      continue;
    }
    const deep = results.find(({ tier, damage }) => tier === "whole" && damage === null);
    if (deep !== undefined) whole.add(frames, deep.at);
    if (newest !== null) stored.add(frames, newest.at);
  }
  return {
    storedShare: needed === 0 ? 1 : stored.frames / needed,
    wholeShare: needed === 0 ? 1 : whole.frames / needed,
    storedSince: stored.since,
    wholeSince: whole.since,
    damagedPackIds: damagedPackIds.sort(),
  };
}

class Tally {
  frames = 0;
  since: Date | null = null;

  add(frames: number, at: Date): void {
    this.frames += frames;
    if (this.since === null || at < this.since) this.since = at;
  }
}

/** Whether a subset sees a pack: a matter of its id alone, so it is the same each time, whatever packs come and go. */
export function isInSubset(packId: string, subset: VerifySubset | null): boolean {
  return subset === null || crc32c(Buffer.from(packId, "latin1")) % subset.of === subset.part - 1;
}

/** Adds the frames one backup needs to those that others do. */
export function joinUse(into: Map<string, Uint8Array>, use: ReadonlyMap<string, Uint8Array>): void {
  for (const [packId, bitmap] of use) {
    const known = into.get(packId);
    if (known === undefined) {
      into.set(packId, bitmap.slice());
      continue;
    }
    const joined = known.length >= bitmap.length ? known : new Uint8Array(bitmap.length);
    if (joined !== known) joined.set(known);
    for (const [at, bits] of bitmap.entries()) joined[at] = (joined[at] as number) | bits;
    into.set(packId, joined);
  }
}

export function usesFrame(bitmap: Uint8Array | undefined, frameIndex: number): boolean {
  return ((bitmap?.[frameIndex >> 3] ?? 0) & (1 << (frameIndex & 7))) !== 0;
}

function countBits(bitmap: Uint8Array): number {
  let count = 0;
  for (const bits of bitmap) for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
