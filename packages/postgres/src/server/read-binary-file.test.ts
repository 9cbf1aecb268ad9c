import { AppError } from "@tidemark/kit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BinaryAsker } from "./asker.ts";
import { readBinaryFile } from "./read-binary-file.ts";

/** A server with one file, which may change after each question. */
function serverWith(
  content: Buffer | null,
  change: (content: Buffer | null, asked: number) => Buffer | null = (it) => it,
) {
  let now = content;
  const asked: [number, number][] = [];
  const session: BinaryAsker = {
    query: () => Promise.reject(new AppError("internal", { message: "not asked here" })),
    queryBinary: (_, parameters) => {
      const [, offset, length] = parameters as unknown as [string, number, number];
      asked.push([offset, length]);
      const answer = now === null ? null : now.subarray(offset, offset + length);
      now = change(now, asked.length);
      return Promise.resolve([[answer]]);
    },
  };
  return { session, asked };
}

async function readAll(session: BinaryAsker, options: Parameters<typeof readBinaryFile>[2]): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of readBinaryFile(session, "f", options)) chunks.push(Buffer.from(chunk));
  return chunks;
}

describe("readBinaryFile", () => {
  it("gives the bytes of any range in chunks of the asked size, also beyond the end", async () => {
    const range = fc.record({
      content: fc.uint8Array({ maxLength: 60 }),
      offset: fc.nat(80),
      lengthBytes: fc.option(fc.nat(80), { nil: undefined }),
      chunkBytes: fc.integer({ min: 1, max: 70 }),
    });
    await fc.assert(
      fc.asyncProperty(range, async ({ content, offset, lengthBytes, chunkBytes }) => {
        const { session } = serverWith(Buffer.from(content));
        const chunks = await readAll(session, { offset, lengthBytes, chunkBytes });
        const end = lengthBytes === undefined ? content.length : offset + lengthBytes;
        expect(Buffer.concat(chunks)).toEqual(Buffer.from(content).subarray(offset, end));
        for (const chunk of chunks.slice(0, -1)) expect(chunk.length).toBe(chunkBytes);
        expect(chunks.every(({ length }) => length > 0 && length <= chunkBytes)).toBe(true);
      }),
    );
  });

  it("asks for no more than 16 MiB at once, however large the chunk", async () => {
    const content = Buffer.alloc(40 << 20, 7);
    const { session, asked } = serverWith(content);
    const chunks = await readAll(session, { chunkBytes: 36 << 20 });
    expect(chunks.map(({ length }) => length)).toEqual([36 << 20, 4 << 20]);
    expect(Math.max(...asked.map(([, length]) => length))).toBe(16 << 20);
  });

  it("ends early with a file that shrinks meanwhile", async () => {
    const { session } = serverWith(Buffer.alloc(100, 1), (_, asked) => Buffer.alloc(asked === 1 ? 45 : 0, 1));
    expect((await readAll(session, { chunkBytes: 30 })).map(({ length }) => length)).toEqual([30, 15]);
    const gone = serverWith(Buffer.alloc(100, 1), () => Buffer.alloc(10));
    expect((await readAll(gone.session, { chunkBytes: 30 })).map(({ length }) => length)).toEqual([30]);
  });

  it("says so when the file is missing, or goes away meanwhile", async () => {
    const missing = { code: "file-missing-on-server" };
    await expect(readAll(serverWith(null).session, {})).rejects.toMatchObject(missing);
    const { session } = serverWith(Buffer.alloc(100, 1), () => null);
    await expect(readAll(session, { chunkBytes: 30 })).rejects.toMatchObject(missing);
  });

  it("asks nothing for a range of no bytes, and refuses an impossible one", async () => {
    const { session, asked } = serverWith(Buffer.alloc(10));
    expect(await readAll(session, { lengthBytes: 0 })).toEqual([]);
    for (const wrong of [
      { offset: -1 },
      { offset: 0.5 },
      { lengthBytes: -1 },
      { chunkBytes: 0 },
      { chunkBytes: Number.NaN },
    ]) {
      await expect(readAll(session, wrong)).rejects.toMatchObject({ code: "bad-request" });
    }
    expect(asked).toEqual([]);
  });
});
