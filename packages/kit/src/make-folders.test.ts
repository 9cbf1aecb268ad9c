import { mkdtemp, rm, rmdir, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeFolders } from "./make-folders.ts";

describe("makeFolders", () => {
  let root = "";
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "tidemark-kit-"));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it("makes what is missing, gives the uppermost it made, and makes nothing twice", async () => {
    expect(await makeFolders(join(root, "a", "b", "c"), 0o700)).toBe(join(root, "a"));
    expect((await stat(join(root, "a", "b", "c"))).mode & 0o777).toBe(0o700);
    expect(await makeFolders(join(root, "a", "b", "c"))).toBeUndefined();
    expect(await makeFolders(join(root, "a", "d"))).toBe(join(root, "a", "d"));
  });

  it("may be asked for the same folders several times at once", async () => {
    const deep = join(root, "x", "y", "z");
    await Promise.all(Array.from({ length: 8 }, () => makeFolders(deep)));
    expect((await stat(deep)).isDirectory()).toBe(true);
  });

  it("makes it again when somebody removes it as soon as it is empty", async () => {
    const folder = join(root, "often");
    const makes = async (): Promise<void> => {
      for (let turn = 0; turn < 300; turn++) await makeFolders(folder);
    };
    const removes = async (): Promise<void> => {
      for (let turn = 0; turn < 300; turn++) await rmdir(folder).catch(() => undefined);
    };
    await Promise.all([makes(), makes(), removes(), removes()]);
  });

  it("refuses a path through a file, and a file or a link to nothing in its place", async () => {
    await symlink(join(root, "nothing"), join(root, "link"));
    await expect(makeFolders(join(root, "link"))).rejects.toMatchObject({ code: "EEXIST" });
    await writeFile(join(root, "file"), "");
    await expect(makeFolders(join(root, "file", "below"))).rejects.toMatchObject({ code: "ENOTDIR" });
    await expect(makeFolders(join(root, "file"))).rejects.toMatchObject({ code: "EEXIST" });
  });

  it.runIf(process.platform === "linux")(
    "ends where the file system denies folders below one that exists",
    async () => {
      await expect(makeFolders("/proc/tidemark/deeper")).rejects.toMatchObject({ code: "ENOENT" });
    },
  );
});
