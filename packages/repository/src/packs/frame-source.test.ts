import { AppError } from "@tidemark/kit";
import { describe, expect, it } from "vitest";
import { openRepository } from "../open-repository.ts";
import { keysOf, newTestRepository, noise, takeTestBackup, testKey } from "../test-repository.ts";
import { FramePool } from "./frame-pool.ts";

class DyingPool extends FramePool {
  override async open(): Promise<never> {
    throw new AppError("internal", { message: "a frame worker ended" });
  }
}

describe("frames of a pack", () => {
  it("fail as one when the thread that opens them dies, and nothing else ends", async () => {
    const { area, store } = await newTestRepository();
    await takeTestBackup(area, "bak_1", null, new Map([["base/1", noise(1_000_000, 1)]]));
    const packId = (await keysOf(store, "srv_1/packs/"))[0]?.slice("srv_1/packs/".length) ?? "";
    const repository = await openRepository(store, { key: testKey, openers: new DyingPool({ threads: 1 }) });
    const forgotten: unknown[] = [];
    const note = (reason: unknown) => void forgotten.push(reason);
    process.on("unhandledRejection", note);
    const readAll = async () => {
      for await (const frame of repository.area("srv_1").frames().readFrames(packId, [0, 1, 2]))
        expect(frame).toBeNull();
    };
    await expect(readAll()).rejects.toMatchObject({ code: "internal" });
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
    expect(forgotten).toEqual([]);
    await repository.close();
  });
});
