import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LocalFiles } from "./local-files.ts";

describe("files of a local data directory", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "local-files-"));
    await mkdir(join(folder, "base"));
    await writeFile(join(folder, "base/1"), "0123456789");
    await chmod(join(folder, "base/1"), 0o600);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("are named when the system does not give what is in them, whoever reads", async () => {
    const files = new LocalFiles(folder, 1);
    const opened = await files.open("base/1");
    const failure = Object.assign(new Error("EIO: i/o error, read"), { code: "EIO", syscall: "read" });
    expect(opened?.explain(failure)).toMatchObject({
      code: "server-error",
      message: "base/1 could not be read: EIO: i/o error, read",
      cause: failure,
    });
    const bug = new TypeError("a mistake of ours");
    expect(opened?.explain(bug)).toBe(bug);
    opened?.release();
    // A folder where a file was: the system opens it and gives nothing.
    await expect(files.read("base", 0, 10)).rejects.toMatchObject({ code: "server-error", context: { path: "base" } });
  });

  it("are null when they are gone, and short at their end", async () => {
    const files = new LocalFiles(folder, 1);
    expect(await files.open("base/2")).toBeNull();
    expect(await files.read("base/1/2", 0, 10)).toBeNull();
    expect(Buffer.from((await files.read("base/1", 8, 10)) ?? []).toString()).toBe("89");
  });
});
