import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { findLeaks } from "./find-leaks.ts";
import { standbyOf } from "./standby.ts";
import { majors } from "./test-postgres.ts";
import { testServer } from "./test-server.ts";
import { waitFor } from "./wait-for.ts";
import { lsnValue, startWriterLedger } from "./writer-ledger.ts";

describe.each(majors)("a test's PostgreSQL %i", (major) => {
  it("is what was asked for, keeps its port over a crash, and leaves nothing behind", async () => {
    let dir: string;
    {
      await using server = await testServer({ major, tablespaces: ["second"], walSegmentSizeMb: 4, checksums: true });
      dir = server.dir.path;
      const settings = await server.query<{ version: string; segment: string; checksums: string }>(
        "SELECT current_setting('server_version_num') AS version, current_setting('wal_segment_size') AS segment, current_setting('data_checksums') AS checksums",
      );
      expect(settings).toEqual([{ version: expect.stringMatching(`^${major}`), segment: "4MB", checksums: "on" }]);

      await using ledger = await startWriterLedger(server.dsn(), { tablespace: "second" });
      await ledger.advance(20);
      const { port } = server;
      await server.kill();
      await ledger.stop();
      await server.start();
      expect(server.port).toBe(port);
      const client = await server.client();
      const { rows } = await client.query<{ lsn: string }>("SELECT pg_current_wal_insert_lsn()::text AS lsn");
      const comparison = await ledger.compare(client, lsnValue(rows[0]?.lsn ?? ""));
      expect(comparison.verdict).toBe("whole");
      expect(comparison.restoredRows).toBeGreaterThanOrEqual(20);
    }
    expect(existsSync(dir)).toBe(false);
  });

  it("tells what was left behind on it", async () => {
    await using server = await testServer({ major });
    expect(await findLeaks(server)).toEqual([]);
    await server.query("SELECT pg_create_physical_replication_slot('forgotten')");
    const client = await server.client();
    const leaks = await findLeaks(server);
    expect(leaks).toHaveLength(2);
    expect(leaks).toContain("replication slot forgotten (idle)");
    await client.end();
  });

  it("can have a standby that follows it", async () => {
    await using primary = await testServer({ major });
    await primary.query("CREATE TABLE t AS SELECT generate_series(1, 1000) AS n");
    await using standby = await standbyOf(primary);
    expect(await standby.query("SELECT pg_is_in_recovery() AS standby")).toEqual([{ standby: true }]);
    await primary.query("INSERT INTO t VALUES (1001)");
    const arrived = async () => (await standby.query("SELECT 1 FROM t WHERE n = 1001")).length === 1;
    await waitFor(arrived, { what: "the new row on the standby" });
  });
});
