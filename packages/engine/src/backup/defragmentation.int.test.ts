import type { StoredBackup } from "@tidemark/repository";
import { testServer } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { engineRig } from "../engine-rig.ts";
import { LiveComparison } from "../histories/compare-files.ts";
import { isFragmented } from "./trust-plan.ts";

describe("what incrementals leave in pieces", () => {
  it("is asked for in full and stored whole again, once a restore would cost more than a tenth over a full's", async () => {
    await using server = await testServer({ settings: { autovacuum: false, summarize_wal: true } });
    await using rig = await engineRig();
    await server.query(
      "CREATE TABLE wide WITH (fillfactor = 80) AS SELECT g AS id, 0 AS n, repeat(md5(g::text), 30) AS body FROM generate_series(1, 48000) g",
    );
    const live = new LiveComparison(rig.area, server);
    const full = await rig.backup(server.dsn());
    expect(fragmented(full)).toBe(false);

    // One row in every fifth page, where there is room for its new version.
    await server.query(
      "UPDATE wide SET n = n + 1 WHERE ctid = ANY (ARRAY(SELECT ('(' || b || ',1)')::tid FROM generate_series(0, pg_relation_size('wide') / 8192 - 1, 5) b))",
    );
    const scattered = await rig.backup(server.dsn());
    expect(fragmented(scattered)).toBe(true);

    rig.events.length = 0;
    const mended = await rig.backup(server.dsn());
    const said = rig.events.flatMap((event) => (event.kind === "log" ? [event.message] : []));
    expect(said).toContainEqual(
      expect.stringMatching(/^what is stored has become fragmented .* 1 file is asked for in full/),
    );
    expect(mended.facts).toMatchObject({ reading: { kind: "incremental" }, trustFindings: [] });
    expect(fragmented(mended)).toBe(false);
    expect(mended.counts?.runs ?? 0).toBeLessThan((full.counts?.runs ?? 0) * 1.1);
    expect(await live.differences(mended.backupId)).toEqual([]);

    rig.events.length = 0;
    const next = await rig.backup(server.dsn());
    expect(JSON.stringify(rig.events.filter(({ kind }) => kind === "log"))).not.toContain("fragmented");
    expect(next.counts?.newBytes ?? 0n).toBeLessThan(8_000_000n);
  });
});

function fragmented({ plainBytes, counts }: StoredBackup): boolean {
  if (counts === null) throw new Error("a backup without counts");
  return isFragmented({ plainBytes, counts });
}
