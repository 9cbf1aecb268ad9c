import { testServer } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { engineRig } from "../engine-rig.ts";
import { checkWhole, withRestored } from "./restored-server.fixture.ts";

describe("a server without incremental backups", () => {
  it("is read in full each time, and of what has not changed less than a hundredth is stored again", async () => {
    await using server = await testServer({ major: 14, settings: { autovacuum: false } });
    await using rig = await engineRig();
    await server.query(
      "CREATE TABLE filler AS SELECT g AS id, md5(g::text) || md5((g * 7)::text) AS body FROM generate_series(1, 300000) g",
    );
    await server.query("CREATE INDEX filler_id ON filler (id)");
    await server.query("VACUUM FREEZE");
    const first = await rig.backup(server.dsn());
    const second = await rig.backup(server.dsn());
    expect(second.facts?.reading).toMatchObject({ kind: "full" });
    expect(second.parentId).toBe(first.backupId);
    const stored = (backup: typeof first) => Number(backup.counts?.storedBytes ?? 0n);
    expect(stored(first)).toBeGreaterThan(10_000_000);
    expect(stored(second) / stored(first)).toBeLessThan(0.01);
    expect(second.counts?.readBytes ?? 0n).toBeGreaterThan(first.plainBytes / 2n);

    await rig.area.deleteBackup(first.backupId);
    await withRestored({ rig, server, backupId: second.backupId, name: "again" }, async (query) => {
      expect(await query("SELECT count(*)::int AS rows, sum(id)::bigint::text AS sum FROM filler")).toEqual([
        { rows: 300_000, sum: "45000150000" },
      ]);
      await checkWhole(query);
    });
  });
});
