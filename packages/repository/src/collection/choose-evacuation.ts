import type { AreaUsage, PackUsage } from "./area-usage.ts";

/** Which packs the next backup is to leave empty, and what that costs and brings. */
export interface Evacuation {
  readonly packIds: readonly string[];
  /** Stored bytes the next backup copies forward. */
  readonly copiedBytes: number;
  /** Dead bytes that go with these packs, once the backups before are deleted and the grace period is over. */
  readonly freedBytes: number;
  /** Share of dead bytes in the packs that stay, 0 to 1, now and after that. */
  readonly deadShare: number;
  readonly deadShareAfter: number;
}

export interface EvacuationLimits {
  /** Nothing is moved while a smaller share than this is dead. */
  readonly tolerated: number;
  /** Once begun, packs are emptied until the share falls below this, so that not every backup begins again. */
  readonly aim: number;
  /** Most stored bytes one backup copies forward: the larger of these two, the second a share of all that is stored. */
  readonly copiedBytes: number;
  readonly copiedShare: number;
}

export const defaultEvacuationLimits: EvacuationLimits = {
  tolerated: 0.2,
  aim: 0.15,
  copiedBytes: 256 * 1024 * 1024,
  copiedShare: 0.1,
};

/**
 * Chooses packs by what they free for each byte copied, until few enough dead bytes are left or the bound of one backup is
 * reached. A pack helps only when the newest backup needs some of it (otherwise the next one would not point there
 * anyway, and it goes with the backups before) and none under a hold does (otherwise it stays, and copying adds to it).
 */
export function chooseEvacuation(usage: AreaUsage, limits: EvacuationLimits = defaultEvacuationLimits): Evacuation {
  const staying = usage.byPack.filter(({ liveBytes }) => liveBytes > 0);
  let stored = sum(staying, ({ storedBytes }) => storedBytes);
  let dead = sum(staying, deadBytesOf);
  const deadShare = share(dead, stored);
  const packIds: string[] = [];
  let copiedBytes = 0;
  let freedBytes = 0;
  if (deadShare >= limits.tolerated) {
    const bound = Math.max(limits.copiedBytes, stored * limits.copiedShare);
    for (const pack of candidates(staying)) {
      if (share(dead, stored) < limits.aim) break;
      if (copiedBytes + pack.newestBytes > bound) continue;
      packIds.push(pack.packId);
      copiedBytes += pack.newestBytes;
      freedBytes += deadBytesOf(pack);
      stored -= pack.storedBytes - pack.newestBytes;
      dead -= deadBytesOf(pack);
    }
  }
  return { packIds, copiedBytes, freedBytes, deadShare, deadShareAfter: share(dead, stored) };
}

/** Most freed for each byte copied first; of equals the older pack, so that the answer is always the same. */
function candidates(packs: readonly PackUsage[]): PackUsage[] {
  return packs
    .filter((pack) => pack.newestBytes > 0 && pack.heldBytes === 0 && deadBytesOf(pack) > 0)
    .sort((a, b) => worth(b) - worth(a) || (a.packId < b.packId ? -1 : 1));
}

function worth(pack: PackUsage): number {
  return deadBytesOf(pack) / pack.newestBytes;
}

function deadBytesOf({ storedBytes, liveBytes }: PackUsage): number {
  return storedBytes - liveBytes;
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function sum(packs: readonly PackUsage[], of: (pack: PackUsage) => number): number {
  return packs.reduce((total, pack) => total + of(pack), 0);
}
