import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Secret } from "@tidemark/kit";
import { startCluster } from "@tidemark/local-postgres";
import { findHostTool, runTool, testServer } from "@tidemark/testkit";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { engineRig } from "../engine-rig.ts";
import { partialRestorePath } from "./restore-places.ts";

// 13: datistemplate behind two names; 15: stock pg_verifybackup is of that version; 18: the newest layout.
describe.each([13, 15, 18] as const)("restoring one database of PostgreSQL %i", (major) => {
  it("starts with it whole, leaves the others empty, and says so everywhere", async () => {
    await using rig = await engineRig();
    await using server = await testServer({ major });
    await server.query("CREATE DATABASE app");
    await server.query('CREATE DATABASE "Other one"');
    // What was dropped and what was renamed leaves dead rows in pg_database.
    await server.query("CREATE DATABASE gone");
    await server.query("DROP DATABASE gone");
    await server.query("CREATE DATABASE renamed");
    await server.query("ALTER DATABASE renamed RENAME TO third");
    for (const database of ["app", "Other one"]) {
      await server.query(
        "CREATE TABLE t AS SELECT g AS id, md5(g::text) AS body FROM generate_series(1, 20000) g",
        [],
        { database },
      );
    }
    const path = await filePath(server, "Other one");
    const { backupId } = await rig.backup(server.dsn());

    const target = rig.dir.join("restored");
    const owner = process.getuid?.() === 0 ? "postgres" : null;
    await expect(rig.plan({ targetDirectory: target, databases: ["app", "gone", "renamed"] })).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringContaining('"gone", "renamed"'),
      hint: expect.stringMatching(/^it has Other one, app, postgres, template0, template1, third; nothing/),
    });
    const whole = await rig.plan({ targetDirectory: target, owner });
    const plan = await rig.plan({ targetDirectory: target, owner, databases: ["app"] });
    expect(plan.databases?.emptied.map(({ name }) => name).sort()).toEqual(["Other one", "third"]);
    expect(plan.sentence).toContain("only app ");
    expect(plan.bytesToFetch).toBeLessThan(whole.bytesToFetch);
    expect(plan.checks).toContainEqual(expect.objectContaining({ id: "databases", state: "warning" }));
    const report = await rig.restore(plan);
    expect(report.findings).toEqual([expect.stringContaining("Other one")]);
    expect(report.nextSteps).toContainEqual(expect.stringContaining('DROP DATABASE "Other one"'));
    expect(await readFile(join(target, partialRestorePath), "utf8")).toContain("empty: Other one (OID ");
    const emptied = await stat(join(target, path));
    expect([emptied.size > 1_000_000, emptied.blocks]).toEqual([true, 0]);
    if (major === 15) await agreeWithPgVerifybackup(target);

    const password = new Secret(server.password);
    const { installation } = server.cluster;
    await using cluster = await startCluster({ installation, dataDir: target, superuser: server.superuser, password });
    const ask = async (database: string, sql: string) => {
      const client = new pg.Client(cluster.dsn({ database }));
      await client.connect();
      try {
        return (await client.query(sql)).rows;
      } finally {
        await client.end();
      }
    };
    expect(await ask("app", "SELECT count(*)::int AS n, count(DISTINCT body)::int AS bodies FROM t")).toEqual([
      { n: 20000, bodies: 20000 },
    ]);
    // An error of that session alone: the server goes on.
    await expect(ask("Other one", "SELECT count(*) FROM t")).rejects.toThrow(/invalid data/);
    await ask("app", 'DROP DATABASE "Other one"');
    expect(await ask("app", "SELECT datname FROM pg_database WHERE datname = 'Other one'")).toEqual([]);
    expect(await rig.verify(backupId)).toMatchObject({ ok: true });
  });
});

async function filePath(server: Awaited<ReturnType<typeof testServer>>, database: string): Promise<string> {
  const rows = await server.query<{ path: string }>("SELECT pg_relation_filepath('t') AS path", [], { database });
  return rows[0]?.path ?? "";
}

async function agreeWithPgVerifybackup(target: string): Promise<void> {
  const tools = await findHostTool(15, "pg_verifybackup");
  expect(tools, "Debian's postgresql-15 brings pg_verifybackup").not.toBeNull();
  if (tools === null) return;
  const result = await runTool(tools, "pg_verifybackup", [target]);
  expect(`${result.exitCode} ${result.stderr}`).toBe("0 ");
}
