import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CompressionPilot,
  nextPilotState,
  type PilotState,
  PipelineMeter,
  type PipelineWindow,
  pilotLevels,
  startingPilot,
} from "./compression-pilot.ts";

/** Seconds per pack and core at each level, and how many bytes are left of a pack: what a slow network gains by waiting. */
const encodeSeconds = [0.06, 0.1, 0.16, 0.3, 0.55, 1.1];
const shrunkTo = [0.5, 0.33, 0.31, 0.3, 0.29, 0.285];

/** One pack through a pipeline of three stages that work side by side: the slowest sets the pace, the others wait. */
function windowAt(level: number, world: { storeMibPerS: number; cores: number; sourceS?: number }): PipelineWindow {
  const encodeS = (encodeSeconds[level] ?? 0) / world.cores;
  const storeS = (32 * (shrunkTo[level] ?? 1)) / world.storeMibPerS;
  const elapsedS = Math.max(encodeS, storeS, world.sourceS ?? 0.02);
  return {
    elapsedMs: elapsedS * 1000,
    storeWaitMs: storeS === elapsedS ? (elapsedS - Math.max(encodeS, world.sourceS ?? 0.02)) * 1000 : 0,
    encoderWaitMs: encodeS === elapsedS ? (elapsedS - Math.max(storeS, world.sourceS ?? 0.02)) * 1000 : 0,
  };
}

function levelsOver(packs: number, world: Parameters<typeof windowAt>[1], from = startingPilot): number[] {
  const levels: number[] = [];
  let state: PilotState = from;
  for (let pack = 0; pack < packs; pack++) {
    state = nextPilotState(state, windowAt(state.level, world));
    levels.push(state.level);
  }
  return levels;
}

describe("auto compression", () => {
  it("rises to the top on a slow network, one level at a time", () => {
    const levels = levelsOver(40, { storeMibPerS: 5, cores: 2 });
    expect(levels.at(-1)).toBe(pilotLevels.length - 1);
    for (const [index, level] of levels.entries()) expect(level - (levels[index - 1] ?? 1)).toBeLessThanOrEqual(1);
  });

  it("falls to lz4 where the processors are the slower", () => {
    expect(levelsOver(20, { storeMibPerS: 2_000, cores: 1 }).at(-1)).toBe(0);
    expect(pilotLevels[0]).toEqual({ codec: "lz4", level: 0 });
  });

  it("stays where it is when the server's stream is the slowest", () => {
    expect(new Set(levelsOver(50, { storeMibPerS: 100, cores: 2, sourceS: 5 }))).toEqual(new Set([1]));
  });

  it("settles between two levels of which one is too fast and one too slow", () => {
    // At level 2 the store is the slower, at level 3 the processors.
    const levels = levelsOver(400, { storeMibPerS: 60, cores: 1 });
    const steps = levels.slice(200).filter((level, index, rest) => index > 0 && level !== rest[index - 1]);
    expect(steps.length).toBeLessThan(16);
    expect(Math.max(...levels.slice(200)) - Math.min(...levels.slice(200))).toBeLessThanOrEqual(1);
  });

  it("follows a network that becomes fast again", () => {
    let state = startingPilot;
    for (let pack = 0; pack < 40; pack++)
      state = nextPilotState(state, windowAt(state.level, { storeMibPerS: 5, cores: 2 }));
    expect(levelsOver(40, { storeMibPerS: 2_000, cores: 1 }, state).at(-1)).toBe(0);
  });

  it("does not move for a single window out of line", () => {
    const calm = { elapsedMs: 1000, storeWaitMs: 0, encoderWaitMs: 0 };
    const stall = { elapsedMs: 60_000, storeWaitMs: 59_000, encoderWaitMs: 0 };
    let state = startingPilot;
    for (let round = 0; round < 20; round++) {
      state = nextPilotState(state, round % 2 === 0 ? stall : calm);
      expect(state.level).toBe(1);
    }
  });

  it("stays within its bounds whatever it is told", () => {
    const ms = fc.double({ min: 0, max: 1e7, noNaN: true });
    const windows = fc.array(fc.record({ elapsedMs: ms, storeWaitMs: ms, encoderWaitMs: ms }), { maxLength: 200 });
    fc.assert(
      fc.property(windows, (list) => {
        const last = list.reduce(nextPilotState, startingPilot);
        expect(pilotLevels[last.level]).toBeDefined();
        expect(last.patience).toBeLessThanOrEqual(32);
      }),
    );
  });
});

describe("a compression pilot", () => {
  it("moves under auto only", () => {
    const waiting = { elapsedMs: 1000, storeWaitMs: 900, encoderWaitMs: 0 };
    const passing = (pilot: CompressionPilot) => {
      for (let pack = 0; pack < 40; pack++) pilot.observe(waiting);
      return pilot.compression;
    };
    expect(passing(new CompressionPilot({ algorithm: "auto" }))).toEqual({ codec: "zstd", level: 9 });
    expect(passing(new CompressionPilot({ algorithm: "zstd", level: 4 }))).toEqual({ codec: "zstd", level: 4 });
    expect(passing(new CompressionPilot({ algorithm: "gzip", level: 6 }))).toEqual({ codec: "gzip", level: 6 });
    expect(passing(new CompressionPilot({ algorithm: "lz4" }))).toEqual({ codec: "lz4", level: 0 });
    expect(passing(new CompressionPilot({ algorithm: "none" }))).toEqual({ codec: "plain", level: 0 });
  });

  it("is told of the waits between one full pack and the next", async () => {
    let nowMs = 0;
    const windows: PipelineWindow[] = [];
    const meter = new PipelineMeter(
      () => nowMs,
      (window) => windows.push(window),
    );
    const passing = async (ms: number): Promise<void> => {
      await Promise.resolve();
      nowMs += ms;
    };
    await meter.waitForEncoders(passing(30));
    nowMs += 50;
    await meter.waitForStore(passing(20));
    meter.packFilled();
    await expect(meter.waitForStore(passing(5).then(() => Promise.reject(new Error("full"))))).rejects.toThrow("full");
    meter.packFilled();
    expect(windows).toEqual([
      { elapsedMs: 100, storeWaitMs: 20, encoderWaitMs: 30 },
      { elapsedMs: 5, storeWaitMs: 5, encoderWaitMs: 0 },
    ]);
  });
});
