import { mkdir } from "node:fs/promises";
import { type TempDir, tempDir } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Act, backupAct } from "./acts.ts";
import { checkRepository } from "./check-repository.ts";
import { type FullDisk, fullDisk } from "./full-disk.ts";
import { type Product, startProduct } from "./product.ts";

/**
 * A file system of its own (tmpfs) fills up in the middle of a backup. Where nothing may be mounted (not root, a
 * container) a limit on the size of files stands in: the worker's write of a pack fails with EFBIG.
 */
describe("a disk that fills up in the middle of a backup", () => {
  let folder: TempDir;
  let disk: FullDisk;
  let product: Product;
  let backup: Act;

  beforeAll(async () => {
    folder = await tempDir("disk");
    await mkdir(folder.join("mount"));
    disk = await fullDisk(folder.join("mount"), { sizeMb: 64, freeBytes: keptFree, pids: () => [product.worker.pid] });
    console.log(`the full disk is ${disk.what}`);
    product = await startProduct({ repositoryDir: folder.join("mount", "repository") });
    backup = backupAct(product);
  });

  afterAll(async () => {
    await product[Symbol.asyncDispose]();
    await disk[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  it("fails the run, lists nothing of it, and the next backup succeeds when there is space again", async () => {
    await product.endedAs(await backup.start(), "succeeded");
    const listed = (await product.area.listBackups()).map(({ backupId }) => backupId);
    // Bytes that no compression makes smaller, so that the backup needs room.
    await product.managed.query(
      "CREATE TABLE noise AS SELECT n, decode(string_agg(md5(random()::text), ''), 'hex') AS bytes FROM generate_series(1, 4000) AS n, generate_series(1, 64) GROUP BY n",
    );

    product.order.stopAt(["backup:before-middle-file"]);
    const runId = await backup.start();
    await product.order.untilReached("backup:before-middle-file");
    expect((await product.metadata.runs.get(runId))?.state).toBe("running");
    await disk.fill();
    product.order.clear();
    const run = await product.endedAs(runId, "failed");
    expect(run.error).toMatchObject({ code: "storage-full", hint: expect.stringMatching(/space|limit/) });
    expect((await product.metadata.backups.get(run.backupId ?? ""))?.state).toBe("failed");
    expect((await product.area.listBackups()).map(({ backupId }) => backupId)).toEqual(listed);
    expect((await product.metadata.repositories.get(product.repositoryId))?.state).toBe("full");

    await disk.free();
    await product.endedAs(await backup.start(), "succeeded");
    expect((await product.metadata.repositories.get(product.repositoryId))?.state).toBe("ready");
    await checkRepository(product);
  });
});

/** Marks and manifests fit, packs do not. */
const keptFree = 1024 * 1024;
