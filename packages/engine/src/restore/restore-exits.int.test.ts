import { execFile } from "node:child_process";
import { mkdir, open, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { AppError, Secret } from "@tidemark/kit";
import { startCluster } from "@tidemark/local-postgres";
import { type TestServer, testServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StepName } from "../act.ts";
import { type EngineRig, engineRig } from "../engine-rig.ts";
import { restoringMark } from "./restore-target.ts";

describe("every way out of a restore but its end", () => {
  let server: TestServer;
  let rig: EngineRig;
  let backupId: string;
  beforeAll(async () => {
    rig = await engineRig({ encrypted: false });
    server = await testServer();
    await server.query("CREATE TABLE t AS SELECT g AS id, md5(g::text) AS body FROM generate_series(1, 50000) g");
    backupId = (await rig.backup(server.dsn())).backupId;
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });
  const owner = process.getuid?.() === 0 ? "postgres" : null;

  /** Restores, with something done at a step; gives the code it ended with. */
  async function restoreWith(target: string, step: StepName, act: (abort: AbortController) => Promise<void>) {
    const abort = new AbortController();
    const onStep = (reached: StepName) => (reached === step ? act(abort) : undefined);
    const plan = await rig.plan({ targetDirectory: target, backupId, owner });
    expect(plan.ok, plan.checks.map(({ sentence }) => sentence).join("; ")).toBe(true);
    const ending = rig.restore(plan, rig.control({ signal: abort.signal, onStep }));
    return await ending.then(
      () => "done",
      (error: unknown) => (error instanceof AppError ? error.code : String(error)),
    );
  }

  async function expectNoStart(target: string): Promise<void> {
    const mark = JSON.parse(await readFile(join(target, restoringMark), "utf8")) as { backupId: string };
    expect(mark.backupId).toBe(backupId);
    const { installation } = server.cluster;
    const password = new Secret(server.password);
    const starting = startCluster({ installation, dataDir: target, superuser: server.superuser, password });
    await expect(
      starting.then(async (cluster) => {
        await cluster.stop({ mode: "immediate" });
      }),
    ).rejects.toThrow();
  }

  it.each(["restore:before-middle-frame", "restore:before-control"] as const)("cancelled at %s", async (step) => {
    const target = rig.dir.join(`cancelled-${step.replace(/\W/g, "-")}`);
    expect(await restoreWith(target, step, async (abort) => abort.abort())).toBe("cancelled");
    await expectNoStart(target);
    // And the next one clears it and ends.
    await rig.restore(await rig.plan({ targetDirectory: target, backupId, owner }));
    expect(await readdir(target)).not.toContain(restoringMark);
  });

  it("a frame that rots while it is restored", async () => {
    const folder = rig.dir.join("repository", "srv_test", "packs");
    const [pack = ""] = await readdir(folder);
    const middle = Math.floor((await stat(join(folder, pack))).size / 2);
    const target = rig.dir.join("rotten");
    expect(await restoreWith(target, "restore:before-data", () => flip(join(folder, pack), middle))).toBe(
      "backup-damaged",
    );
    await flip(join(folder, pack), middle);
    await expectNoStart(target);
  });

  // Mounting takes rights that not every machine gives; without them this way out is not walked here.
  it("a disk that is full half-way", async (context) => {
    const disk = rig.dir.join("disk");
    await mkdir(disk);
    const mounting = promisify(execFile)("mount", ["-t", "tmpfs", "-o", "size=200m", "tidemark-test", disk]);
    if (
      !(await mounting.then(
        () => true,
        () => false,
      ))
    )
      return context.skip("no file system may be mounted here");
    try {
      const target = join(disk, "data");
      const fill = () =>
        promisify(execFile)("sh", ["-c", `cat /dev/zero > '${disk}/ballast' 2>/dev/null || true`]).then(
          () => undefined,
        );
      expect(await restoreWith(target, "restore:before-data", fill)).toBe("target-full");
      await writeFile(join(disk, "ballast"), "");
      await expectNoStart(target);
      await rig.restore(await rig.plan({ targetDirectory: target, backupId, owner }));
      expect(await readdir(target)).not.toContain(restoringMark);
    } finally {
      await promisify(execFile)("umount", ["-l", disk]);
    }
  });
});

async function flip(path: string, position: number): Promise<void> {
  const handle = await open(path, "r+");
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, position);
    byte[0] = (byte[0] ?? 0) ^ 0xff;
    await handle.write(byte, 0, 1, position);
  } finally {
    await handle.close();
  }
}
