import type { ObjectFacts } from "@tidemark/storage";
import { PackFrameSource } from "../packs/frame-source.ts";
import { packHeaderBytes } from "../packs/pack-directory.ts";
import { nameOf } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { readTrailer } from "../seal/object-trailer.ts";
import type { PackShape } from "./collection-pass.ts";
import { type AreaUse, countFrames, type FrameBits, hasFrame } from "./frame-use.ts";
import { inParallel, storeRequests } from "./in-parallel.ts";

/** Where the bytes of one server's packs are. */
export interface AreaUsage {
  readonly packs: number;
  readonly storedBytes: bigint;
  /** Of frames some backup needs, with heads and directories of their packs. */
  readonly liveBytes: bigint;
  readonly deadBytes: bigint;
  /** Packs that are needed, with more dead bytes than living ones. */
  readonly mostlyDead: readonly string[];
  readonly byPack: readonly PackUsage[];
}

export interface PackUsage {
  readonly packId: string;
  readonly storedBytes: number;
  /** 0 for a pack no backup needs: the collection removes it. */
  readonly liveBytes: number;
  /** Of these, what the newest backup needs: the next one carries it, or copies it forward. */
  readonly newestBytes: number;
  /** Of these, what backups under a hold need: it stays whatever the next backup does. */
  readonly heldBytes: number;
}

/**
 * `exactPacks` is how many packs that are partly dead are weighed by their directories (one request of some 60 KB each);
 * in the others a frame counts with the mean of its pack, which costs 80 bytes once for each pack, and is right on average.
 */
export async function measureUsage(
  context: RepositoryContext,
  serverId: string,
  seen: { readonly packs: readonly ObjectFacts[]; readonly use: AreaUse },
  how: { readonly shapes: ReadonlyMap<string, PackShape>; readonly exactPacks: number },
): Promise<{ readonly usage: AreaUsage; readonly shapes: ReadonlyMap<string, PackShape> }> {
  const frames = new PackFrameSource(context, serverId);
  const shapes = new Map<string, PackShape>();
  let left = how.exactPacks;
  const byPack = await inParallel(seen.packs, storeRequests, async (facts): Promise<PackUsage> => {
    const packId = nameOf(facts.key);
    const bits = bitsOf(seen.use, packId);
    const storedBytes = facts.sizeBytes;
    if (countFrames(bits.live) === 0 && !seen.use.packs.has(packId)) {
      return { packId, storedBytes, liveBytes: 0, newestBytes: 0, heldBytes: 0 };
    }
    const shape = how.shapes.get(packId) ?? (await readShape(context, facts));
    if (shape === null) return { packId, storedBytes, liveBytes: storedBytes, newestBytes: 0, heldBytes: 0 };
    shapes.set(packId, shape);
    const partly = countFrames(bits.live) < shape.frames;
    const weigh = partly && left-- > 0 ? await exactWeight(frames, packId) : null;
    const weight = weigh ?? ((some: FrameBits) => Math.round((shape.frameBytes * countFrames(some)) / shape.frames));
    const overhead = storedBytes - shape.frameBytes;
    return {
      packId,
      storedBytes,
      liveBytes: partly ? overhead + weight(bits.live) : storedBytes,
      newestBytes: weight(bits.newest),
      heldBytes: weight(bits.held),
    };
  });
  return { usage: sumUp(byPack), shapes };
}

function bitsOf(use: AreaUse, packId: string): { live: FrameBits; newest: FrameBits; held: FrameBits } {
  const known = use.packs.get(packId);
  const none = new Uint8Array(0);
  return { live: known?.live ?? none, held: known?.held ?? none, newest: use.newest(packId) };
}

/** Null when the end of the pack cannot be read: then all of it counts as needed. */
async function readShape(context: RepositoryContext, facts: ObjectFacts): Promise<PackShape | null> {
  const trailer = await readTrailer(context.store, facts, "TIDEPEND");
  if (trailer === null || trailer.count === 0) return null;
  return { frames: trailer.count, frameBytes: trailer.lastBoxOffset - packHeaderBytes };
}

async function exactWeight(frames: PackFrameSource, packId: string): Promise<((some: FrameBits) => number) | null> {
  const description = await frames.describePack(packId);
  if (description.kind === "damaged") return null;
  return (some) => {
    let bytes = 0;
    for (const [index, stored] of description.storedBytes.entries()) if (hasFrame(some, index)) bytes += stored;
    return bytes;
  };
}

function sumUp(byPack: readonly PackUsage[]): AreaUsage {
  let storedBytes = 0n;
  let liveBytes = 0n;
  const mostlyDead: string[] = [];
  for (const pack of byPack) {
    storedBytes += BigInt(pack.storedBytes);
    liveBytes += BigInt(pack.liveBytes);
    if (pack.liveBytes > 0 && pack.liveBytes * 2 < pack.storedBytes) mostlyDead.push(pack.packId);
  }
  return { packs: byPack.length, storedBytes, liveBytes, deadBytes: storedBytes - liveBytes, mostlyDead, byPack };
}
