/** Bit i of byte i >> 3 stands for frame i; what lies beyond the end is not set (docs/repository-format.md, "Manifests"). */
export type FrameBits = Uint8Array;

/** Which frames of a pack anybody needs, and who. */
export interface PackUse {
  /** Of any backup. */
  live: FrameBits;
  /** Of backups under a hold; null: of none. */
  held: FrameBits | null;
}

export interface BackupUse {
  readonly backupId: string;
  readonly startedAt: Date;
  readonly isHeld: boolean;
  readonly frames: ReadonlyMap<string, FrameBits>;
}

/**
 * Which frames the backups of an area need, gathered backup by backup. Memory: a bit for each frame and two small objects
 * for each pack, and the newest backup's own bits; nothing for the number of backups.
 */
export class AreaUse {
  readonly packs = new Map<string, PackUse>();
  #newest: BackupUse | null = null;

  add(backup: BackupUse): void {
    for (const [packId, bits] of backup.frames) {
      const known = this.packs.get(packId);
      if (known === undefined) {
        this.packs.set(packId, { live: bits.slice(), held: backup.isHeld ? bits.slice() : null });
        continue;
      }
      known.live = union(known.live, bits);
      if (backup.isHeld) known.held = known.held === null ? bits.slice() : union(known.held, bits);
    }
    if (this.#newest === null || isNewer(backup, this.#newest)) this.#newest = backup;
  }

  /** The frames of this pack that the newest backup needs: what the next one would carry. */
  newest(packId: string): FrameBits {
    return this.#newest?.frames.get(packId) ?? none;
  }
}

function isNewer(one: BackupUse, other: BackupUse): boolean {
  const afterMs = one.startedAt.getTime() - other.startedAt.getTime();
  return afterMs > 0 || (afterMs === 0 && one.backupId > other.backupId);
}

const none: FrameBits = new Uint8Array(0);

/** In place where `into` is long enough. */
function union(into: FrameBits, other: FrameBits): FrameBits {
  const result = into.length >= other.length ? into : new Uint8Array(other.length);
  if (result !== into) result.set(into);
  for (let at = 0; at < other.length; at++) result[at] = (result[at] ?? 0) | (other[at] ?? 0);
  return result;
}

export function countFrames(bits: FrameBits): number {
  let count = 0;
  for (let byte of bits) for (; byte !== 0; byte &= byte - 1) count++;
  return count;
}

export function hasFrame(bits: FrameBits, frameIndex: number): boolean {
  return (((bits[frameIndex >> 3] ?? 0) >> (frameIndex & 7)) & 1) === 1;
}
