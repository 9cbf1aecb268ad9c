import { crc32c } from "@tidemark/kit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { filesOf, InlineEncoder, newTestRepository, noise, testFacts } from "../test-repository.ts";
import type { BeginBackup, FileResult, ManifestFile, ManifestFileSummary, ServerArea } from "../types.ts";

/**
 * Generations of patches against a model that is nothing but the bytes: whatever is changed, cut, grown, limited, sent in
 * full, evacuated or deleted in between, every backup gives back exactly what its model says.
 */
const generations = Number(process.env.TIDEMARK_PATCH_GENERATIONS ?? 12);
const block = 8192;

interface FileStep {
  readonly how: "patch" | "full" | "untouched";
  /** Share of the blocks that change, in 1/16. */
  readonly density: number;
  /** Whether changed blocks come in runs. */
  readonly runs: boolean;
  readonly blocks: number;
  readonly zeroBlocks: boolean;
  readonly limit: number | null;
  readonly seed: number;
}

const fileStep: fc.Arbitrary<FileStep> = fc.record({
  how: fc.constantFrom("patch", "patch", "patch", "patch", "untouched", "full"),
  density: fc.integer({ min: 0, max: 16 }),
  runs: fc.boolean(),
  blocks: fc.constantFrom(0, 1, 3, 8, 9, 16, 17, 40, 50, 63),
  zeroBlocks: fc.boolean(),
  limit: fc.option(fc.integer({ min: 0, max: 50 * block }), { freq: 4 }),
  seed: fc.integer({ min: 1, max: 1_000_000 }),
});

const generation = fc.record({
  files: fc.array(fileStep, { minLength: 3, maxLength: 3 }),
  evacuate: fc.boolean(),
  deleteEarlier: fc.boolean(),
});

interface Patch {
  readonly changedBlocks: Uint32Array;
  readonly bytes: Uint8Array;
  readonly after: Uint8Array;
}

/** What the step does to the bytes, by the contract of `PatchedFile` and nothing else. */
function patchOf(before: Uint8Array, step: FileStep): Patch {
  const after = new Uint8Array(step.how === "untouched" ? before.length : step.blocks * block);
  const limit = step.how === "untouched" ? before.length : Math.min(before.length, step.limit ?? before.length);
  after.set(before.subarray(0, Math.min(limit, after.length)));
  const random = noise(step.blocks * 4 + 4, step.seed);
  const changed: number[] = [];
  for (let at = 0; at < step.blocks && step.how !== "untouched"; at++) {
    const dice = (random[step.runs ? at - (at % 5) : at] ?? 0) % 16;
    if (dice < step.density) changed.push(at);
  }
  const bytes = new Uint8Array(changed.length * block);
  for (const [index, number] of changed.entries()) {
    const isZero = step.zeroBlocks && (random[step.blocks + number] ?? 0) % 3 === 0;
    if (!isZero) bytes.set(noise(block, step.seed * 100 + number), index * block);
    after.set(bytes.subarray(index * block, (index + 1) * block), number * block);
  }
  return { changedBlocks: Uint32Array.from(changed), bytes, after };
}

async function takeGeneration(
  area: ServerArea,
  begin: Pick<BeginBackup, "backupId" | "parentId" | "evacuatePackIds">,
  model: Map<string, Uint8Array>,
  steps: readonly FileStep[],
): Promise<void> {
  const writer = await area.beginBackup({ ...begin, startedAt: new Date(0), encoder: new InlineEncoder() });
  const results = new Map<string, FileResult>();
  for (const [index, step] of steps.entries()) {
    const name = `base/5/${index}`;
    const path = new TextEncoder().encode(name);
    const before = model.get(name) ?? new Uint8Array(0);
    const { changedBlocks, bytes, after } = patchOf(before, step);
    const onResult = (result: FileResult): unknown => results.set(name, result);
    const entry = { path, mode: 0o600, sizeBytes: BigInt(after.length), modifiedAt: new Date(0), onResult };
    const parent = await writer.parentFile(path);
    expect(parent?.sizeBytes).toBe(begin.parentId === null ? undefined : BigInt(before.length));
    const isPatched = step.how !== "full" && parent !== null;
    const zerosFrom = step.how === "untouched" || step.limit === null ? null : BigInt(step.limit);
    const file = isPatched
      ? await writer.addPatchedFile({ ...entry, blockSize: block, changedBlocks, zerosFrom })
      : await writer.addFile(entry);
    const given = isPatched ? bytes : after;
    for (let at = 0; at < given.length; at += 50_000) await file.write(given.subarray(at, at + 50_000));
    await file.end();
    model.set(name, after);
  }
  const { counts, plainBytes } = await writer.commit(testFacts);
  for (const [name, bytes] of model) expect(results.get(name)?.crc32c).toBe(crc32c(bytes));
  const { newBytes, referencedBytes, carriedBytes, zeroBytes } = counts ?? {};
  expect((newBytes ?? 0n) + (referencedBytes ?? 0n) + (carriedBytes ?? 0n) + (zeroBytes ?? 0n)).toBe(plainBytes);
}

/** Reads a backup back; every run's CRC-32C is checked, and what the index says of frames against the extents. */
async function readBackup(area: ServerArea, backupId: string): Promise<Map<string, Uint8Array>> {
  const manifest = await area.openManifest(backupId);
  const files = await filesOf(area, backupId);
  const found = new Map(
    files.map(({ path, sizeBytes }) => [new TextDecoder().decode(path), new Uint8Array(Number(sizeBytes))]),
  );
  const used = new Map<string, Set<number>>();
  for (const { extents } of files) {
    for (const extent of extents) {
      if (extent.kind === "frame")
        used.set(extent.packId, (used.get(extent.packId) ?? new Set()).add(extent.frameIndex));
    }
  }
  for (const [packId, frames] of used) {
    for await (const frame of area.frames().readFrames(packId, [...frames])) {
      if (frame.kind === "damaged") throw new Error(frame.reason);
      for (const file of files) placeRuns(file, found.get(new TextDecoder().decode(file.path)), packId, frame);
    }
  }
  const frameUse = await manifest.frameUse();
  expect([...frameUse].map(([packId, bitmap]) => [packId, framesOf(bitmap)]).sort()).toEqual(
    [...used].map(([packId, frames]) => [packId, [...frames].sort((a, b) => a - b)]).sort(),
  );
  const summaries: ManifestFileSummary[] = [];
  for await (const summary of manifest.files()) summaries.push(summary);
  expect(summaries.map(({ runs, crc32c: crc }) => [runs, crc])).toEqual(
    files.map(({ extents, crc32c: crc }) => [extents.filter(({ kind }) => kind === "frame").length, crc]),
  );
  return found;
}

function placeRuns(
  { extents }: ManifestFile,
  target: Uint8Array | undefined,
  packId: string,
  frame: { readonly frameIndex: number; readonly plain: Uint8Array },
): void {
  for (const extent of extents) {
    if (extent.kind === "zeros" || extent.packId !== packId || extent.frameIndex !== frame.frameIndex) continue;
    const run = frame.plain.subarray(extent.offsetInFrame, extent.offsetInFrame + extent.lengthBytes);
    expect([run.length, crc32c(run)]).toEqual([extent.lengthBytes, extent.crc32c]);
    target?.set(run, Number(extent.fileOffset));
  }
}

function framesOf(bitmap: Uint8Array): number[] {
  const frames: number[] = [];
  for (let frame = 0; frame < bitmap.length * 8; frame++) {
    if (((bitmap[frame >> 3] ?? 0) & (1 << (frame & 7))) !== 0) frames.push(frame);
  }
  return frames;
}

describe("generations of patched files", () => {
  it("give back what a plain model of the bytes says, each of them, whatever was evacuated or deleted", async () => {
    const history = fc.array(generation, { minLength: 2, maxLength: generations });
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const { area, repository } = await newTestRepository({ encrypted: false });
        const model = new Map<string, Uint8Array>();
        const kept = new Map<string, Map<string, Uint8Array>>();
        for (const [number, { files, evacuate, deleteEarlier }] of steps.entries()) {
          const backupId = `bak_${number}`;
          const parentId = number === 0 ? null : `bak_${number - 1}`;
          const packIds = parentId === null ? [] : [...(await (await area.openManifest(parentId)).packIds())];
          const evacuatePackIds = new Set(evacuate ? packIds.slice(0, 1) : []);
          await takeGeneration(area, { backupId, parentId, evacuatePackIds }, model, files);
          for (const packId of await (await area.openManifest(backupId)).packIds()) {
            expect(evacuatePackIds.has(packId)).toBe(false);
          }
          kept.set(backupId, new Map(model));
          if (deleteEarlier && parentId !== null) {
            await area.deleteBackup(parentId);
            kept.delete(parentId);
          }
        }
        for (const [backupId, expected] of kept) expect([...(await readBackup(area, backupId))]).toEqual([...expected]);
        await repository.close();
      }),
      { numRuns: 3, seed: 20_261_121, endOnFailure: true },
    );
  }, 120_000);
});
