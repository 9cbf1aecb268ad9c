import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestServer, testServer } from "@tidemark/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type TestProduct, testProduct } from "./test-product.ts";

let product: TestProduct;
let managed: TestServer;
beforeAll(async () => {
  [product, managed] = await Promise.all([testProduct(), testServer({ walSegmentSizeMb: 1 })]);
  await product.json("server", "add", "shop", "--dsn", managed.dsn(), "--no-first-backup");
});
afterAll(async () => {
  await managed[Symbol.asyncDispose]();
  await product[Symbol.asyncDispose]();
});

it("server host-config writes settings of one host, with a key of its own, that push WAL without the control plane", async () => {
  await product.json("repository", "add", "vault", product.join("vault"));
  await product.json("server", "copy-to", "shop", "vault");
  const file = product.join("host", "shop.json");
  const spool = product.join("spool");
  const asked = ["server", "host-config", "shop", "--to", file, "--spool", spool, "--host", "db1", "--push-to-both"];
  const written = (await product.json(...asked)) as { archiveCommand: string; keySlots: { slots: string[] }[] };
  expect(written.archiveCommand).toMatch(/tidemark wal push --config .*shop\.json %p$/);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const keys = (await product.json("repository", "keys", "vault")) as { label: string | null; opens: string }[];
  expect(keys.map(({ label, opens }) => [label, opens])).toEqual([
    [null, "everything"],
    ["host db1 of shop", "WAL of shop"],
  ]);
  expect(await product.rows()).not.toContain("tidemark-key-1:");
  // Once more: what is there is not written over by chance.
  expect((await product.tidemark(...asked)).exitCode).toBe(2);

  // No agent is left behind by this test.
  const settings = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
  await writeFile(file, JSON.stringify({ ...settings, agent: "service" }, null, 2));
  await managed.query("CREATE TABLE t AS SELECT 1");
  await managed.query("SELECT pg_switch_wal()");
  const wal = join(managed.dataDir, "pg_wal");
  const [name = ""] = (await readdir(wal)).filter((entry) => /^[0-9A-F]{24}$/.test(entry)).sort();
  const pushed = await product.tidemark("wal", "push", "--config", file, join(wal, name));
  expect(pushed).toMatchObject({ exitCode: 0, stderr: "" });
  // What it may not open, it does not open: the key is a key of this WAL alone.
  const { key } = settings.second as { key: string };
  const keyFile = product.join("host", "copied.key");
  await writeFile(keyFile, key);
  const list = ["catalog", "list", "--repository", product.join("vault"), "--key-file", keyFile];
  expect(await product.tidemark(...list)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/opens only the WAL of srv_.*repository-key-scope/s),
  });
  const id = settings.serverId as string;
  const system = settings.systemIdentifier as string;
  for (const repository of ["repository", "vault"]) {
    expect(await readdir(product.join(repository, id, system, "wal", "00000001"))).toEqual([name]);
  }
});
