import { describe, expect, it, vi } from "vitest";
import { InlineEncoder, newTestRepository, testFacts } from "../test-repository.ts";

describe("entries behind a small file", () => {
  it("wait until there are many, and not until a frame of small files is full", async () => {
    const { area } = await newTestRepository();
    const writer = await area.beginBackup({
      backupId: "bak_1",
      parentId: null,
      startedAt: testFacts.startedAt,
      encoder: new InlineEncoder(),
    });
    const onResult = vi.fn();
    const modifiedAt = testFacts.startedAt;
    const path = (text: string) => new TextEncoder().encode(text);
    const small = { path: path("base/1/PG_VERSION"), mode: 0o600, sizeBytes: 3n, modifiedAt, onResult };
    const file = await writer.addFile(small);
    await file.write(path("17\n"));
    await file.end();
    for (let number = 0; number < 100; number++)
      await writer.addDirectory({ path: path(`base/1/${number}`), mode: 0o700 });
    expect(onResult).not.toHaveBeenCalled();
    for (let number = 0; number < 500; number++)
      await writer.addDirectory({ path: path(`base/2/${number}`), mode: 0o700 });
    await vi.waitFor(() => expect(onResult).toHaveBeenCalledOnce(), { timeout: 15_000 });
    await writer.abort();
  });
});
