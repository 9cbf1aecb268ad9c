import type { BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";

/**
 * What `stat -L -c %d:%i:%s:%.9Y:%.9Z` of GNU prints for this file; another `stat` prints what equals no identity of ours.
 * Whoever writes a byte of a file changes it: the change time cannot be set, and a file that was put in another one's place
 * is another inode.
 */
export async function identityOf(path: string): Promise<string> {
  return identityText(await stat(path, { bigint: true }));
}

export function identityText(found: BigIntStats): string {
  return [found.dev, found.ino, found.size, seconds(found.mtimeNs), seconds(found.ctimeNs)].join(":");
}

function seconds(nanoseconds: bigint): string {
  return `${nanoseconds / 1_000_000_000n}.${String(nanoseconds % 1_000_000_000n).padStart(9, "0")}`;
}
