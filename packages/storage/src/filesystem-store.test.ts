import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { filesystemError } from "./filesystem-errors.ts";
import { FilesystemStore } from "./filesystem-store.ts";
import { newTemporaryName } from "./filesystem-temporaries.ts";
import { filesystemWriteSteps } from "./filesystem-write.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "tidemark-fs-"));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

const bytes = new TextEncoder().encode("some bytes");

async function keys(store: FilesystemStore): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list("")) found.push(key);
  return found;
}

/** Puts `victim` in a process of its own that is killed at `step`. */
function putAndDieAt(step: string): void {
  const script = `
    import { FilesystemStore } from ${JSON.stringify(new URL("./filesystem-store.ts", import.meta.url).href)};
    const onStep = (step) => { if (step === ${JSON.stringify(step)}) process.kill(process.pid, "SIGKILL"); };
    const store = new FilesystemStore(${JSON.stringify(root)}, { onStep });
    await store.put("folder/victim", new TextEncoder().encode("some bytes"));
  `;
  const ended = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  expect(ended.signal, ended.stderr).toBe("SIGKILL");
}

describe("a filesystem store whose writer is killed", () => {
  for (const step of filesystemWriteSteps) {
    it(`holds the object whole or not at all after ${step}, and cleans up after the dead`, async () => {
      putAndDieAt(step);
      const store = new FilesystemStore(root);
      const linked = filesystemWriteSteps.indexOf(step) >= filesystemWriteSteps.indexOf("put:linked");
      expect(await keys(store)).toEqual(linked ? ["folder/victim"] : []);
      if (linked) expect(await store.get("folder/victim")).toEqual(bytes);
      else await store.put("folder/victim", bytes);
      await store.probe();
      expect(await readdir(root)).toEqual(["folder"]);
      expect(await store.get("folder/victim")).toEqual(bytes);
    });
  }

  it("leaves the temporary files of the living and of other machines alone, until a day has passed", async () => {
    const folder = join(root, "~tmp");
    await mkdir(folder);
    const own = await newTemporaryName();
    await writeFile(join(folder, own), "");
    await writeFile(join(folder, "othermachine.1.1.abcd"), "");
    await writeFile(join(folder, "othermachine.1.1.old"), "");
    await utimes(join(folder, "othermachine.1.1.old"), new Date(0), new Date(0));
    await new FilesystemStore(root).probe();
    expect((await readdir(folder)).sort()).toEqual([own, "othermachine.1.1.abcd"].sort());
  });

  it("takes a recycled process id for what it is", async () => {
    const [machine, pid] = (await newTemporaryName()).split(".");
    await mkdir(join(root, "~tmp"));
    await writeFile(join(root, "~tmp", `${machine}.${pid}.1.feed`), "");
    await new FilesystemStore(root).probe();
    expect(await readdir(root)).toEqual([]);
  });
});

describe("a filesystem store that cannot be asked", () => {
  it("never says 'not there' while its folder is missing", async () => {
    const store = new FilesystemStore(join(root, "unmounted"));
    expect(await store.isEmpty()).toBe(true);
    await expect(store.stat("tidemark.json")).rejects.toMatchObject({ code: "storage-unreachable" });
    await expect(store.get("tidemark.json")).rejects.toMatchObject({ code: "storage-unreachable" });
    await expect(keys(store)).rejects.toMatchObject({ code: "storage-unreachable" });
  });

  it("refuses to fill another folder that took the place of its own", async () => {
    const place = join(root, "place");
    const store = new FilesystemStore(place);
    await store.put("one", bytes);
    await rename(place, join(root, "moved"));
    await expect(store.put("two", bytes)).rejects.toMatchObject({ code: "storage-unreachable" });
    await mkdir(place);
    await expect(store.put("two", bytes)).rejects.toMatchObject({ code: "storage-unreachable" });
    await expect(store.stat("one")).rejects.toMatchObject({ code: "storage-unreachable" });
  });

  it("writes into folders that others remove as soon as they are empty", async () => {
    const [writer, other] = [new FilesystemStore(root), new FilesystemStore(root)];
    const puts = async (store: FilesystemStore, name: string): Promise<void> => {
      for (let number = 0; number < 200; number++) {
        await store.put(`srv/leases/${name}-${number}`, bytes);
        await store.delete(`srv/leases/${name}-${number}`);
      }
    };
    const probes = async (): Promise<void> => {
      for (let number = 0; number < 50; number++) await other.probe();
    };
    await Promise.all([puts(writer, "a"), puts(writer, "b"), puts(other, "c"), puts(other, "d"), probes()]);
    expect(await keys(writer)).toEqual([]);
  });

  it("names what the system refused", () => {
    const codeOf = (name: string): unknown =>
      filesystemError(Object.assign(new Error(name), { code: name }), "write", "/x");
    expect(codeOf("ENOSPC")).toMatchObject({ code: "storage-full", message: "could not write /x: no space is left" });
    expect(codeOf("EDQUOT")).toMatchObject({ code: "storage-full" });
    expect(codeOf("EROFS")).toMatchObject({ code: "repository-read-only" });
    expect(codeOf("EACCES")).toMatchObject({ code: "storage-denied" });
    expect(codeOf("ESTALE")).toMatchObject({ code: "storage-unreachable" });
    expect(codeOf("EIO")).toMatchObject({ code: "storage-failed" });
  });
});

describe("a folder with other people's files", () => {
  it("is not empty, and only what can be ours is listed", async () => {
    await writeFile(join(root, "My Documents.txt"), "x");
    const store = new FilesystemStore(root);
    expect(await store.isEmpty()).toBe(false);
    expect(await keys(store)).toEqual([]);
  });

  it("counts lost+found and empty folders for nothing", async () => {
    await mkdir(join(root, "lost+found"));
    await mkdir(join(root, "empty", "deeper"), { recursive: true });
    expect(await new FilesystemStore(root).isEmpty()).toBe(true);
  });
});
