import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type TestServer, testServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestProduct, testProduct } from "./test-product.ts";

let product: TestProduct;
let managed: TestServer;
beforeAll(async () => {
  [product, managed] = await Promise.all([testProduct(), testServer({ walSegmentSizeMb: 1 })]);
  await managed.query(`CREATE ROLE tidemark LOGIN REPLICATION PASSWORD 'tidemark-test'`);
  await product.json("server", "add", "shop", "--dsn", dsn(), "--no-first-backup", "--wal", "none");
});
afterAll(async () => {
  await managed[Symbol.asyncDispose]();
  await product[Symbol.asyncDispose]();
});

const dsn = () => managed.dsn({ user: "tidemark", password: "tidemark-test" });

interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly remedy: {
    readonly sql?: string;
    readonly settings?: string;
    readonly hba?: string;
    readonly needs?: string;
  };
}

async function check(...args: string[]) {
  const { exitCode, text, stderr } = await product.tidemark("server", "check", "shop", ...args, "-o", "json");
  try {
    return { exitCode, findings: JSON.parse(text) as Finding[] };
  } catch (cause) {
    throw new Error(`no JSON from server check:\n${text}\n${stderr}`, { cause });
  }
}

describe("tidemark server check", () => {
  it("prints an array of findings that say what to do, and exits 0 while none blocks backups", async () => {
    const { exitCode, findings } = await check();
    expect(exitCode).toBe(0);
    // The test kit's servers run without fsync.
    expect(findings.map((finding) => finding.id)).toContain("fsync");
    for (const finding of findings) {
      expect(finding).toEqual({
        id: expect.stringMatching(/^[a-z0-9-]+$/),
        severity: expect.stringMatching(/^(blocks-wal|risk|note)$/),
        title: expect.any(String),
        read: expect.any(String),
        found: expect.any(String),
        required: expect.any(String),
        why: expect.any(String),
        remedy: expect.any(Object),
      });
      for (const part of Object.keys(finding.remedy)) {
        expect(["sql", "settings", "hba", "advice", "needs"]).toContain(part);
      }
    }
  });

  it("exits 1 while one blocks backups, and 0 after the SQL it printed was run", async () => {
    await managed.query("ALTER ROLE tidemark NOREPLICATION");
    const blocked = await check("replication-right");
    expect([blocked.exitCode, blocked.findings.map((one) => [one.id, one.severity])]).toEqual([
      1,
      [["replication-right", "blocks-backup"]],
    ]);
    const table = await product.tidemark("server", "check", "shop", "replication-right");
    expect(table.exitCode).toBe(1);
    expect(table.text).toContain("Blocks backups");
    expect(table.text).toContain(blocked.findings[0]?.remedy.sql?.trim());
    expect((await product.tidemark("server", "check", "shop", "--cached", "-o", "json")).exitCode).toBe(1);
    await managed.query(blocked.findings[0]?.remedy.sql ?? "no SQL");
    expect(await check("replication-right")).toEqual({ exitCode: 0, findings: [] });
    expect((await check("--cached")).findings.map((one) => one.id)).not.toContain("replication-right");
  });

  it("gives a server that does not let us in as a finding too", async () => {
    await managed.query("ALTER ROLE tidemark PASSWORD 'another'");
    const { exitCode, findings } = await check();
    expect([exitCode, findings.map((one) => [one.id, one.severity])]).toEqual([1, [["connection", "blocks-backup"]]]);
    await managed.query("ALTER ROLE tidemark PASSWORD 'tidemark-test'");
    expect((await check()).exitCode).toBe(0);
  });

  it("says with exit code 4 that there is no such server", async () => {
    const { exitCode, stderr } = await product.tidemark("server", "check", "nobody", "-o", "json");
    expect([exitCode, stderr]).toEqual([4, expect.stringContaining("there is no server nobody [not-found]")]);
  });
});

describe("tidemark server", () => {
  it("info, slots, replication and privileges show what the server told, and how long ago", async () => {
    const info = (await product.json("server", "info", "shop")) as { info: { major: number } };
    expect(info.info.major).toBe(18);
    const table = await product.tidemark("server", "info", "shop", "--cached");
    expect(table.text).toMatch(/^role +primary$/m);
    expect(table.text).toMatch(/^WAL segment +1\.00 MiB$/m);
    expect(table.stderr).toMatch(/as shop was \d+ s ago/);
    expect(await product.json("server", "slots", "shop")).toEqual([]);
    expect(await product.json("server", "replication", "shop")).toEqual([]);
    const { stdout } = await product.tidemark("server", "privileges", "shop", "--script", "operate");
    await managed.query(stdout.toString("utf8"));
    const privileges = await product.tidemark("server", "privileges", "shop");
    expect(privileges.text).toContain("role tidemark");
    expect(privileges.text).toMatch(/^enough for .*--script operate/m);
  });

  it("settings finds by name and by pattern, and exits 4 for what is not there", async () => {
    const named = await product.json("server", "settings", "shop", "wal_level", "fsync");
    expect(named).toMatchObject([{ name: "fsync" }, { name: "wal_level", value: "replica" }]);
    const some = (await product.json("server", "settings", "shop", "max_wal*")) as { name: string }[];
    expect(some.map((one) => one.name)).toContain("max_wal_senders");
    expect(some.every((one) => one.name.startsWith("max_wal"))).toBe(true);
    const missing = await product.tidemark("server", "settings", "shop", "nonsense");
    expect([missing.exitCode, missing.stderr]).toEqual([4, expect.stringContaining("nonsense")]);
  });

  it("switches WAL, makes restore points and checkpoints, and says what came of it", async () => {
    await managed.query("SELECT pg_logical_emit_message(false, 'test', 'something to switch')");
    const switched = await product.json("server", "switch-wal", "shop");
    expect(switched).toMatchObject({ kind: "switch-wal", closedFile: expect.stringMatching(/^[0-9A-F]{24}$/) });
    const point = await product.json("server", "restore-point", "shop", "vor der Änderung");
    expect(point).toMatchObject({ name: "vor der Änderung", lsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/) });
    const checkpoint = await product.tidemark("server", "checkpoint", "shop");
    expect([checkpoint.exitCode, checkpoint.text]).toEqual([0, expect.stringContaining("checkpoint is at")]);
  });

  it("makes a slot, and drops it only with the plan that was shown", async () => {
    await product.json("server", "create-slot", "shop", "standby_1");
    const twice = await product.tidemark("server", "create-slot", "shop", "standby_1");
    expect([twice.exitCode, twice.stderr]).toEqual([1, expect.stringContaining("[slot-exists]")]);
    const plan = (await product.json("server", "drop-slot", "shop", "standby_1")) as { planHash: string };
    expect(plan).toMatchObject({ state: "planned", name: "standby_1", active: false });
    const slots = (await product.json("server", "slots", "shop")) as { name: string }[];
    expect(slots.map((slot) => slot.name)).toEqual(["standby_1"]);
    const stale = await product.tidemark("server", "drop-slot", "shop", "standby_1", "--plan", "another");
    expect([stale.exitCode, stale.stderr]).toEqual([1, expect.stringContaining("[plan-stale]")]);
    await product.json("server", "drop-slot", "shop", "standby_1", "--plan", plan.planHash);
    expect(await managed.query("SELECT 1 FROM pg_replication_slots")).toEqual([]);
    const gone = await product.tidemark("server", "drop-slot", "shop", "standby_1", "--yes");
    expect([gone.exitCode, gone.stderr]).toEqual([1, expect.stringContaining("[slot-missing]")]);
  });

  it("reads a server's files byte for byte, whole and in part, and leaves no plain byte in the rows", async () => {
    await managed.query("GRANT EXECUTE ON FUNCTION pg_stat_file(text), pg_stat_file(text, boolean) TO tidemark");
    await managed.query(
      `GRANT EXECUTE ON FUNCTION pg_read_binary_file(text), pg_read_binary_file(text, boolean),
         pg_read_binary_file(text, bigint, bigint), pg_read_binary_file(text, bigint, bigint, boolean) TO tidemark`,
    );
    const secret = `password = ${"h4rd-to-guess ".repeat(3)}`;
    await writeFile(join(managed.dataDir, "kept.conf"), secret);
    expect((await product.tidemark("server", "read-file", "shop", "kept.conf")).text).toBe(secret);
    const rows = await product.rows();
    expect(rows).toContain("kept.conf");
    for (const encoding of ["utf8", "base64", "hex"] as const) {
      expect(rows).not.toContain(Buffer.from(secret).toString(encoding).slice(0, 24));
    }
    const facts = await product.json("server", "file-stat", "shop", "PG_VERSION");
    expect(facts).toMatchObject({ kind: "file-stat", sizeBytes: "3", isDirectory: false, createdAt: null });
    const control = await product.tidemark("server", "read-file", "shop", "global/pg_control");
    expect(control.exitCode).toBe(0);
    expect(control.stdout).toHaveLength(8192);
    const part = await product.tidemark("server", "read-file", "shop", "PG_VERSION", "--offset", "1", "--length", "1");
    expect(part.stdout).toEqual(Buffer.from("8"));
    // Three pieces of at most 1 MiB, and one that begins and ends within two of them.
    const bytes = randomBytes(2_500_000);
    await writeFile(join(managed.dataDir, "large"), bytes);
    const file = product.join("large");
    expect(await product.json("server", "read-file", "shop", "large", "--to", file)).toMatchObject({
      sizeBytes: "2500000",
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await readFile(file)).equals(bytes)).toBe(true);
    const range = ["--offset", "1000000", "--length", "1200000"];
    const across = await product.tidemark("server", "read-file", "shop", "large", ...range);
    expect(across.stdout.equals(bytes.subarray(1_000_000, 2_200_000))).toBe(true);
    // As a process, for the bytes that go through a pipe.
    const main = join(import.meta.dirname, "main.ts");
    const env = { PATH: process.env.PATH, TIDEMARK_HOME: product.join(), TIDEMARK_URL: product.url };
    const piped = await promisify(execFile)(process.execPath, [main, "server", "read-file", "shop", "large"], {
      env,
      encoding: "buffer",
      maxBuffer: 2 * bytes.length,
    });
    expect(piped.stdout.equals(bytes)).toBe(true);
    const missing = await product.tidemark("server", "read-file", "shop", "no/such/file");
    expect([missing.exitCode, missing.stdout.length]).toEqual([1, 0]);
    expect(missing.stderr).toContain("[file-missing-on-server]");
  });

  it("offline refuses acts and says why; online says what was missed", async () => {
    const offline = await product.json("server", "offline", "shop", "--reason", "a new disk");
    expect(offline).toMatchObject({ state: "offline", reason: "a new disk" });
    for (const args of [
      ["server", "check", "shop"],
      ["server", "switch-wal", "shop"],
      ["backup", "create", "shop"],
    ]) {
      const refused = await product.tidemark(...args);
      expect([refused.exitCode, refused.stderr], args.join(" ")).toEqual([
        1,
        expect.stringMatching(/shop is offline since .*: a new disk \[server-offline\]/),
      ]);
    }
    const shown = await product.tidemark("server", "show", "shop");
    expect(shown.text).toMatch(/^offline +since .*: a new disk$/m);
    const online = await product.tidemark("server", "online", "shop");
    expect(online.text).toMatch(/^missed +nothing$/m);
    expect((await product.tidemark("server", "online", "shop")).text).toContain("it was online already");
    expect((await product.tidemark("server", "checkpoint", "shop")).exitCode).toBe(0);
  });

  it("takes a backup file by file", async () => {
    await managed.query("GRANT EXECUTE ON FUNCTION pg_ls_dir(text), pg_ls_dir(text, boolean, boolean) TO tidemark");
    const run = await product.json(
      ...["backup", "create", "shop", "--method", "read-files", "--readers", "2", "--wait"],
    );
    expect(run).toMatchObject({ state: "succeeded", kind: "backup" });
  });

  it("method sets how its backups are taken when nothing is said", async () => {
    const { exitCode, stderr } = await product.tidemark("backup", "create", "shop", "--readers", "2");
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("a stream is read by one")]);
    expect(await product.json("server", "method", "shop", "read-files")).toMatchObject({ backupMethod: "read-files" });
    expect((await product.tidemark("server", "show", "shop")).text).toMatch(/^method +read-files$/m);
    const run = (await product.json("backup", "create", "shop", "--readers", "2", "--wait")) as { id: string };
    expect(run).toMatchObject({ state: "succeeded", kind: "backup" });
    expect(await product.rows()).toMatch(new RegExp(`${run.id}.*read-files`));
    expect((await product.tidemark("server", "method", "shop", "tape")).exitCode).toBe(2);
  });
});
