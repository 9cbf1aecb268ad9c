import { spawn } from "node:child_process";
import { link, mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "@tidemark/kit";
import type { ManifestReader } from "@tidemark/repository";
import { tempDir } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import type { ActControl } from "../act.ts";
import { removeSurplus, surveyTarget } from "./delta-survey.ts";
import type { RestorePlan } from "./plan-restore.ts";
import { prepareTarget } from "./prepare-target.ts";
import { type CheckInput, checkTarget } from "./restore-checks.ts";
import { RestorePlaces } from "./restore-places.ts";
import { restoringMark } from "./restore-target.ts";

const { signal } = new AbortController();

/** A backup with these entries; names of folders end in a slash. */
function manifestOf(...paths: string[]): ManifestReader {
  const entries = async function* () {
    for (const path of paths)
      yield { kind: path.endsWith("/") ? "directory" : "file", path: Buffer.from(path.replace(/\/$/, "")) };
  };
  return { entries } as unknown as ManifestReader;
}

async function survey(folder: string, ...paths: string[]) {
  return await surveyTarget(manifestOf(...paths), folder, [], new RestorePlaces(folder, [], false), signal);
}

const separateDisk = async (): Promise<boolean> =>
  await Promise.all([stat("/dev"), stat("/dev/shm")]).then(
    ([one, other]) => one.dev !== other.dev,
    () => false,
  );

describe("what a delta restore removes", () => {
  it("is what the backup does not have; links themselves, never what they lead to", async () => {
    await using dir = await tempDir();
    await mkdir(dir.join("data/base"), { recursive: true });
    await mkdir(dir.join("elsewhere"));
    await writeFile(dir.join("elsewhere/theirs"), "x");
    await symlink(dir.join("elsewhere"), dir.join("data/link"));
    await writeFile(dir.join("data/base/1"), "x");
    await writeFile(dir.join("data/base/2"), "x");
    const { removed, keptFiles } = await survey(dir.join("data"), "base/", "base/1");
    expect(keptFiles).toBe(1);
    expect(removed.map(({ place }) => place)).toEqual([dir.join("data/base/2"), dir.join("data/link")]);
    await removeSurplus(removed, signal);
    expect(await readFile(dir.join("elsewhere/theirs"), "utf8")).toBe("x");
  });

  it("is also a file with a second name, which would change under it as well", async () => {
    await using dir = await tempDir();
    await mkdir(dir.join("data"));
    await writeFile(dir.join("data/PG_VERSION"), "18");
    await link(dir.join("data/PG_VERSION"), dir.join("snapshot"));
    const { removed, newFiles } = await survey(dir.join("data"), "PG_VERSION");
    expect(removed.map(({ place }) => place)).toEqual([dir.join("data/PG_VERSION")]);
    expect(newFiles).toBe(1);
  });

  it("is never a disk that the backup knows nothing of, nor what is on it", async ({ skip }) => {
    if (!(await separateDisk())) skip("nothing is mounted at /dev/shm");
    const { removed } = await survey("/dev");
    expect(removed.filter(({ place }) => place.startsWith("/dev/shm"))).toEqual([]);
  });

  it("cannot be what is put into a folder meanwhile, and says so", async () => {
    await using dir = await tempDir();
    await mkdir(dir.join("data/more"), { recursive: true });
    const { removed } = await survey(dir.join("data"));
    await writeFile(dir.join("data/more/new"), "x");
    await expect(removeSurplus(removed, signal)).rejects.toMatchObject({ code: "target-not-empty" });
  });
});

describe("the room a delta restore has already", () => {
  it("counts on the disk it is on, and on no other", async ({ skip }) => {
    if (!(await separateDisk())) skip("nothing is mounted at /dev/shm");
    await using dir = await tempDir();
    await mkdir(dir.join("data"));
    await writeFile(dir.join("data/1"), Buffer.alloc(5000));
    await writeFile(dir.join("data/2"), Buffer.alloc(700));
    const found = await survey(dir.join("data"), "1");
    const { dev } = await stat(dir.join("data"));
    expect(found.bytesByDevice).toEqual(new Map([[dev, 5700n]]));
    const huge = 1n << 60n;
    const checks = await checkTarget({
      request: { targetDirectory: dir.join("data"), allowedRoots: null },
      entry: { damaged: null, provenAt: null, verifiedAt: null },
      facts: { suspectPages: [], includedWal: {} },
      sizes: { totalBytes: huge, missingConfiguration: [], tablespaceBytes: new Map([[1, huge]]) },
      owner: null,
      tablespaces: [{ oid: 1, from: "/fast", to: "/dev/shm/fast" }],
      unmapped: [],
      databases: null,
      recovery: null,
      delta: { obstacle: null, survey: { ...found, keptBytes: huge, bytesByDevice: new Map([[dev, huge]]) } },
    } as unknown as CheckInput);
    expect(checks.find(({ id }) => id === "space")).toMatchObject({ state: "failed", code: "target-full" });
  });
});

describe("what an earlier restore left", () => {
  it("is not cleared while a server runs on it", async () => {
    await using dir = await tempDir();
    const targetDirectory = dir.join("data");
    await mkdir(targetDirectory);
    await writeFile(join(targetDirectory, restoringMark), "{}");
    await writeFile(join(targetDirectory, "kept"), "x");
    const server = spawn("sleep", ["60"], { cwd: targetDirectory });
    try {
      await writeFile(join(targetDirectory, "postmaster.pid"), `${server.pid}\n${targetDirectory}\n`);
      const plan = { targetDirectory, tablespaces: [], delta: null, owner: null, backupId: "bak_1" };
      const preparing = prepareTarget({
        manifest: manifestOf(),
        plan: plan as unknown as RestorePlan,
        places: new RestorePlaces(targetDirectory, [], false),
        control: { signal, emit: () => undefined } as ActControl,
        clock: systemClock,
      });
      await expect(preparing).rejects.toMatchObject({ code: "target-in-use" });
      expect(await readFile(join(targetDirectory, "kept"), "utf8")).toBe("x");
    } finally {
      server.kill();
    }
  });
});
