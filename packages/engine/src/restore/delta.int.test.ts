import { execFile } from "node:child_process";
import {
  cp,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { crc32c } from "@tidemark/kit";
import { type TestServer, testServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deltaSteps } from "../act.ts";
import { type EngineRig, engineRig } from "../engine-rig.ts";
import type { KilledOrder } from "../killed.child.ts";
import { restoringMark } from "./restore-target.ts";

describe("a delta restore", () => {
  let server: TestServer;
  let rig: EngineRig;
  let backupId: string;
  let table: string;
  /** The backup restored the plain way: what every delta must come to. */
  let model: Map<string, string>;
  beforeAll(async () => {
    rig = await engineRig({ encrypted: false });
    server = await testServer({ tablespaces: ["fast"] });
    await server.query("CREATE TABLE small TABLESPACE fast AS SELECT g AS id FROM generate_series(1, 1000) g");
    await server.query("CREATE TABLE big AS SELECT g AS id, md5(g::text) AS body FROM generate_series(1, 40000) g");
    table = (await server.query<{ path: string }>("SELECT pg_relation_filepath('big') AS path"))[0]?.path ?? "";
    backupId = (await rig.backup(server.dsn())).backupId;
    await rig.restore(await planInto(rig.dir.join("model"), false));
    model = await contents(rig.dir.join("model"), rig.dir.join("model-fast"));
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  const planInto = (target: string, delta = true) =>
    rig.plan({
      targetDirectory: target,
      backupId,
      tablespaces: [{ from: server.dir.join("tablespace-fast"), to: `${target}-fast` }],
      delta,
    });

  /** A stopped cluster of its own, with its tablespace. */
  async function clone(name: string): Promise<string> {
    const target = rig.dir.join(name);
    await cp(rig.dir.join("model"), target, { recursive: true, verbatimSymlinks: true });
    await cp(rig.dir.join("model-fast"), `${target}-fast`, { recursive: true });
    const [link] = await readdir(join(target, "pg_tblspc"));
    await rm(join(target, "pg_tblspc", link ?? ""));
    await symlink(`${target}-fast`, join(target, "pg_tblspc", link ?? ""));
    return target;
  }

  /** What months of work, a careless hand and a bad disk may have done to it. */
  async function spoil(target: string): Promise<void> {
    const big = await open(join(target, table), "r+");
    await big.write(Buffer.alloc(9000, "x"), 0, 9000, 300_000);
    await big.close();
    await truncate(join(target, "pg_xact", "0000"), 100);
    await writeFile(join(target, "base", "1", "999999"), "a relation that was dropped since");
    await mkdir(join(target, "odd", "deep"), { recursive: true });
    await writeFile(join(target, "odd", "deep", "file"), "");
    await writeFile(join(target, "postmaster.pid"), `999999999\n${target}\n1\n1\n\n\n\n`);
    await rm(join(target, "PG_VERSION"));
    await rm(join(target, "pg_ident.conf"));
    await mkdir(join(target, "pg_ident.conf"));
  }

  it("writes next to nothing where nothing changed", async () => {
    const target = await clone("untouched");
    const plan = await planInto(target);
    expect(plan.checks.find(({ id }) => id === "delta")).toMatchObject({ state: "warning" });
    // Its manifest and what a restore composes anew.
    expect(plan.delta?.removed).toEqual([join(target, "backup_manifest")]);
    const report = await rig.restore(plan);
    expect(report.delta?.comparedBytes).toBeGreaterThan(20_000_000n);
    // pg_control was taken away first, and comes back.
    expect(report.writtenBytes).toBe(8192n);
    expect(await contents(target, `${target}-fast`)).toEqual(model);
  });

  it("mends, adds and removes exactly what differs, and says so first", async () => {
    const target = await clone("spoiled");
    await spoil(target);
    await rename(join(target, "pg_wal"), rig.dir.join("wal-disk"));
    await symlink(rig.dir.join("wal-disk"), join(target, "pg_wal"));
    const plan = await planInto(target);
    expect(plan.delta?.removed).toEqual(
      expect.arrayContaining(
        ["base/1/999999", "odd", "odd/deep", "odd/deep/file", "postmaster.pid", "pg_ident.conf"].map((name) =>
          join(target, name),
        ),
      ),
    );
    expect(plan.delta?.removedCount).toBe(plan.delta?.removed.length);
    expect(plan.delta?.followedLinks).toEqual([{ path: join(target, "pg_wal"), to: rig.dir.join("wal-disk") }]);
    const report = await rig.restore(plan);
    expect(report.writtenBytes).toBeLessThan(1_000_000n);
    expect(await readlink(join(target, "pg_wal"))).toBe(rig.dir.join("wal-disk"));
    expect(await contents(target, `${target}-fast`)).toEqual(model);
  });

  it("refuses a running server, another cluster, a folder that is none, and somebody else's tablespace", async () => {
    const failures = async (target: string, tablespace = `${target}-fast`) => {
      const tablespaces = [{ from: server.dir.join("tablespace-fast"), to: tablespace }];
      const plan = await rig.plan({ targetDirectory: target, backupId, tablespaces, delta: true });
      expect(plan.ok).toBe(false);
      await expect(rig.restore(plan)).rejects.toMatchObject({ code: expect.stringMatching(/^target-/) });
      return plan.checks.find(({ state }) => state === "failed")?.code;
    };
    expect(await failures(server.dataDir, server.dir.join("tablespace-fast"))).toBe("target-in-use");
    expect((await server.query<{ n: number }>("SELECT count(*)::int AS n FROM small"))[0]?.n).toBe(1000);

    const other = await clone("other");
    await giveOtherIdentifier(join(other, "global", "pg_control"));
    const before = await contents(other, `${other}-fast`);
    expect(await failures(other)).toBe("target-other-cluster");
    expect(await contents(other, `${other}-fast`)).toEqual(before);

    const letters = rig.dir.join("letters");
    await mkdir(letters);
    await writeFile(join(letters, "letter"), "dear reader");
    expect(await failures(letters)).toBe("target-not-empty");

    const mine = await clone("mine");
    expect(await failures(mine, rig.dir.join("model-fast"))).toBe("target-not-empty");
    expect(await readdir(rig.dir.join("model-fast"))).toEqual([expect.stringMatching(/^PG_18_/)]);
  });

  it.each(deltaSteps)("killed at %s leaves nothing that starts, and the next one finishes", async (step) => {
    const target = await clone(`killed-${step.replace(/\W/g, "-")}`);
    await spoil(target);
    const { signal, output } = await kill({ step, target });
    expect(signal, `the act never reached ${step}: ${output}`).toBe("SIGKILL");
    if (step === "restore:before-mark") expect(await readdir(target)).not.toContain(restoringMark);
    else expect(await readdir(target)).toContain(restoringMark);
    // Untouched up to here, whole from there on; in between there is none.
    const isWhole = ["restore:before-mark", "restore:before-unstartable"].includes(step) || /unmarks?$/.test(step);
    const control = await readFile(join(target, "global", "pg_control")).catch(() => null);
    expect(control === null).toBe(!isWhole);
    await rig.restore(await planInto(target));
    expect(await contents(target, `${target}-fast`)).toEqual(model);
    await rm(target, { recursive: true });
    await rm(`${target}-fast`, { recursive: true });
  });

  function kill({ step, target }: { step: string; target: string }) {
    const order: KilledOrder = {
      act: "restore",
      step,
      delta: true,
      repository: rig.dir.join("repository"),
      dsn: "",
      backupId,
      target,
      tablespace: server.dir.join("tablespace-fast"),
    };
    const script = new URL("../killed.child.ts", import.meta.url).pathname;
    return new Promise<{ signal: string | null; output: string }>((resolve) => {
      execFile(process.execPath, [script, JSON.stringify(order)], { timeout: 120_000 }, (error, stdout, stderr) => {
        resolve({ signal: error?.signal ?? null, output: `${stdout}${stderr}` });
      });
    });
  }
});

/** Path to size, mode and checksum of every file, and to the kind of everything else. */
async function contents(...roots: string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const [index, root] of roots.entries()) {
    for (const name of (await readdir(root, { recursive: true })).sort()) {
      // Where links lead differs from place to place; and their content is that of the second root.
      if (/^pg_tblspc\//.test(name) || name === "tablespace_map" || name === "backup_manifest") continue;
      const path = join(root, name);
      const facts = await stat(path);
      const what = facts.isFile() ? `${facts.size} ${crc32c(await readFile(path))}` : "folder";
      found.set(`${index}/${name}`, `${(facts.mode & 0o777).toString(8)} ${what}`);
    }
    if (index > 0) continue;
    // A folder behind a link is not walked by readdir.
    for (const name of await readdir(join(root, "pg_wal"))) {
      const facts = await stat(join(root, "pg_wal", name));
      const what = facts.isFile() ? `${facts.size} ${crc32c(await readFile(join(root, "pg_wal", name)))}` : "folder";
      found.set(`${index}/pg_wal/${name}`, `${(facts.mode & 0o777).toString(8)} ${what}`);
    }
  }
  return found;
}

/** The same file with another system identifier and a CRC that fits. */
async function giveOtherIdentifier(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes.writeBigUInt64LE(bytes.readBigUInt64LE(0) + 1n, 0);
  // 18: the CRC is at 292 (pg_control.h).
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 292)), 292);
  await writeFile(path, bytes);
}
