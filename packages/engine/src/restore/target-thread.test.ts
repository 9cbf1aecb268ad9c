import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32c } from "@tidemark/kit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TargetThread } from "./target-thread.ts";

describe("TargetThread", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tidemark-target-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const at = (name: string) => Buffer.from(join(folder, name)).toString("latin1");

  it("makes files of their full size, keeps or empties one that is there, and refuses one that must not be", async () => {
    await writeFile(join(folder, "kept"), "content");
    await writeFile(join(folder, "emptied"), "content");
    const made = new TargetThread().answer({
      kind: "make",
      files: [
        { place: at("new"), sizeBytes: 5, mode: 0o640, content: "new" },
        { place: at("kept"), sizeBytes: 4, mode: 0o600, content: "keep" },
        { place: at("emptied"), sizeBytes: 3, mode: 0o600, content: "empty" },
        { place: at("absent"), sizeBytes: 2, mode: 0o600, content: "keep" },
      ],
    });
    expect(made).toEqual({ kind: "made", wasThere: [false, true, true, false] });
    expect((await stat(join(folder, "new"))).mode & 0o777).toBe(0o640);
    expect(await readFile(join(folder, "kept"), "latin1")).toBe("cont");
    expect(await readFile(join(folder, "emptied"), "latin1")).toBe("\0\0\0");
    const again = { place: at("new"), sizeBytes: 5, mode: 0o600, content: "new" } as const;
    expect(() => new TargetThread().answer({ kind: "make", files: [again] })).toThrow("EEXIST");
  });

  it("writes at offsets of more files than it keeps open, and throws what the system says", async () => {
    const thread = new TargetThread();
    const names = Array.from({ length: 70 }, (_, number) => `many-${number}`);
    for (const name of names) await writeFile(join(folder, name), "....");
    for (const position of [1, 3]) {
      for (const name of names)
        thread.answer({ kind: "write-plain", place: at(name), position, bytes: Buffer.from("X") });
    }
    for (const name of names) expect(await readFile(join(folder, name), "latin1")).toBe(".X.X");
    const missing = { kind: "write-plain", place: at("none"), position: 0, bytes: Buffer.from("x") } as const;
    for (let attempt = 0; attempt < 2; attempt++) expect(() => thread.answer(missing)).toThrow("ENOENT");
  });

  it("writes into the file that is there after a rest, not into the one of that name before", async () => {
    const thread = new TargetThread();
    const write = (text: string) =>
      thread.answer({ kind: "write-plain", place: at("renewed"), position: 0, bytes: Buffer.from(text) });
    for (const text of ["first", "other"]) {
      await rm(join(folder, "renewed"), { force: true });
      await writeFile(join(folder, "renewed"), ".....");
      write(text);
      expect(await readFile(join(folder, "renewed"), "latin1")).toBe(text);
      thread.rest();
    }
  });

  it("tells which runs differ, and makes runs of zeros zeros", async () => {
    await writeFile(join(folder, "compared"), "aaaabbbbcccc\0\0\0\0");
    const crc = (text: string) => crc32c(Buffer.from(text));
    const runs = new Float64Array([0, 4, crc("aaaa"), 4, 4, crc("BBBB"), 8, 4, -1, 12, 4, -1, 14, 9, crc("x")]);
    const reply = new TargetThread().answer({ kind: "compare", place: at("compared"), runs });
    expect(reply).toEqual({ kind: "compared", differs: new Uint8Array([0, 1, 0, 0, 1]), zeroedBytes: 4 });
    expect(await readFile(join(folder, "compared"), "latin1")).toBe("aaaabbbb\0\0\0\0\0\0\0\0");
  });
});
