import { AppError } from "@tidemark/kit";
import { holdPacks } from "../collection/pack-hold.ts";
import { packKey } from "../paths.ts";
import { newSeal } from "../repository-context.ts";
import { contextOf } from "../server-area.ts";
import type { ServerArea } from "../types.ts";
import { assertGivesAll, checkPack, copyPack, openSourcePack, type PackCopy } from "./copy-pack.ts";

export interface HealedPack {
  readonly packId: string;
  /** What was wrong with it; `whole` when nothing was, and nothing was done. */
  readonly was: "missing" | "damaged" | "whole";
  readonly storedBytes: number;
}

/**
 * Brings a missing or damaged pack back from another repository that has it. Before anything is touched, every frame of
 * the other one is opened and its checksum compared; only then the damaged object goes (objects are never overwritten)
 * and the healed one is put and read back. Dying in between leaves the pack missing here, no worse than damaged, and
 * whole there: heal it again. Throws `pack-missing` or `pack-damaged` when the other one cannot give it either.
 */
export async function healPack(
  damaged: ServerArea,
  from: ServerArea,
  packId: string,
  options: PackCopy = {},
): Promise<HealedPack> {
  const [target, source] = [contextOf(damaged), contextOf(from)];
  const { serverId } = damaged;
  const was = await stateOf(damaged, packId, options);
  if (was === "whole") return { packId, was, storedBytes: 0 };
  await using _reading = await holdPacks(source, serverId, "reader");
  const pack = await openSourcePack(source, serverId, packId, options.signal).catch((error: unknown) => {
    throw unhealable(error, packId, source.store.location);
  });
  await openEveryFrame(from, packId, pack.directory.frameCount, options);
  // Throws where nothing may be written (slots that disagree): then nothing goes, either.
  newSeal(target, packKey(serverId, packId));
  await target.step("heal:before-remove");
  if (was === "damaged") {
    await assertGivesAll(target, packKey(serverId, packId));
    await target.store.delete(packKey(serverId, packId));
  }
  await target.step("heal:before-put");
  const storedBytes = await copyPack(pack, target, serverId, packId, options);
  await target.step("heal:after-put");
  return { packId, was, storedBytes };
}

/** Guards alone say whether what is stored is what was stored. */
async function stateOf(area: ServerArea, packId: string, options: PackCopy): Promise<HealedPack["was"]> {
  try {
    await checkPack(contextOf(area), area.serverId, packId, options);
    return "whole";
  } catch (error) {
    if (error instanceof AppError && error.code === "object-missing") return "missing";
    if (error instanceof AppError && error.code === "object-damaged") return "damaged";
    throw error;
  }
}

async function openEveryFrame(area: ServerArea, packId: string, frameCount: number, options: PackCopy): Promise<void> {
  const all = Array.from({ length: frameCount }, (_, index) => index);
  for await (const frame of area.frames().readFrames(packId, all, options.signal)) {
    if (frame.kind === "plain") continue;
    throw new AppError("pack-damaged", {
      message: `pack ${packId} is damaged in both places: ${frame.reason}`,
      hint: "nothing was changed; the next backup stores anew what it held",
      context: { packId },
    });
  }
}

function unhealable(error: unknown, packId: string, location: string): unknown {
  if (!(error instanceof AppError) || !["object-missing", "object-damaged"].includes(error.code)) return error;
  return new AppError(error.code === "object-missing" ? "pack-missing" : "pack-damaged", {
    message: `pack ${packId} cannot be brought back from ${location}: ${error.message}`,
    hint: "nothing was changed; the next backup stores anew what it held",
    context: { packId },
    cause: error,
  });
}
