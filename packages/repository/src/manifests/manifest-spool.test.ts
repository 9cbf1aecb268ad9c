import type { FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { describe, expect, it, vi } from "vitest";
import { noise } from "../test-repository.ts";
import { ManifestSpool } from "./manifest-spool.ts";

/** Every write takes a part of what it is given, as on a disk that is nearly full. */
vi.mock("node:fs/promises", async (importOriginal) => {
  const original = await importOriginal<{ readonly open: typeof open }>();
  const opened = async (...how: Parameters<typeof open>): Promise<FileHandle> => {
    const handle = await original.open(...how);
    const write = handle.write.bind(handle) as (bytes: Uint8Array, from: number, length: number, at: number) => unknown;
    return Object.assign(handle, {
      write: (bytes: Uint8Array, from: number, length: number, at: number) =>
        write(bytes, from, Math.min(length, 2_000_000), at),
    });
  };
  return { ...original, open: opened };
});

describe("the spool of a manifest", () => {
  it("gives back all it was given, also where a write takes a part only", async () => {
    const spool = new ManifestSpool(tmpdir());
    const chunks = [noise(5_000_000, 1), noise(4_000_000, 2), noise(1000, 3)];
    for (const chunk of chunks.slice(0, 2)) spool.add(chunk.slice());
    await spool.settle();
    spool.add(chunks[2] ?? new Uint8Array(0));
    const read: Uint8Array[] = [];
    for await (const bytes of spool.read()) read.push(bytes);
    expect(Buffer.compare(Buffer.concat(read), Buffer.concat(chunks))).toBe(0);
    await spool.close();
  });
});
