import { AppError } from "@tidemark/kit";
import { describe, expect, it } from "vitest";
import { frameBytes } from "../format.ts";
import { FramePool } from "../packs/frame-pool.ts";
import { newTestRepository, testFacts } from "../test-repository.ts";

describe("a file that an encoding thread cannot read", () => {
  it("fails the backup with what its owner says of it, and is let go", async () => {
    const { area } = await newTestRepository();
    const encoder = new FramePool({ threads: 1 });
    const writer = await area.beginBackup({
      backupId: "bak_1",
      parentId: null,
      startedAt: testFacts.startedAt,
      encoder,
    });
    let uses = 1;
    const from = {
      // No file has it: the system says EBADF, as it would say EIO.
      fd: 1_000_000,
      retain: () => void uses++,
      release: () => void uses--,
      explain: (cause: unknown) => new AppError("server-error", { message: "base/1 could not be read", cause }),
    };
    const path = new TextEncoder().encode("base/1");
    const sizeBytes = BigInt(3 * frameBytes);
    const file = await writer.addFile({ path, mode: 0o600, sizeBytes, modifiedAt: testFacts.startedAt });
    await file.writeFrom(from, 3 * frameBytes);
    await file.end();
    from.release();
    await expect(writer.drain()).rejects.toMatchObject({ code: "server-error", cause: { code: "EBADF" } });
    expect(uses).toBe(0);
    await writer.abort();
    await encoder.close();
  });
});
